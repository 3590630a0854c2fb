"""Terms and formulas for readers and for other programs: text, LaTeX, SMT-LIB 2, z3, cvc5, Coq, SymPy."""
