"""The cvc5 route: the obligations in SMT-LIB 2, as they are exported, read and refuted by the SMT solver cvc5."""

from __future__ import annotations

from ..law import Law
from ..lowering import Obligation
from ..printers.smtlib import script
from ..verdict import Verdict
from .smt import Answer, Unreadable, answers, attempts, discharge

#: Attempts in order: encoding and time limit in milliseconds.
ATTEMPTS = (("native", 300), ("quotients", 4000), ("native", 10000))


def prove(law: Law) -> Verdict:
    """Prove a law with cvc5, which is asked independently of z3 and through text.

    Parameters
    ----------
    law : Law

    Returns
    -------
    Proved or Undecided
    """
    return discharge(law, "cvc5", ask)


def ask(obligation: Obligation) -> Answer:
    """cvc5's answer to the contrary of an obligation."""
    answer = Answer("unknown", "no attempt")
    for encoded, limit, how in attempts(obligation, ATTEMPTS):
        (word,) = run(script(encoded), limit)
        answer = Answer(word, how)
        if word != "unknown":
            return answer
    return answer


def run(text: str, limit: int = 5000) -> list[str]:
    """Answers to every ``check-sat`` of a script, each within so many milliseconds.

    Raises
    ------
    Unreadable
        If any command of the script is an error; then no answer counts.
    """
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(limit))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "obligation")
    symbols = parser.getSymbolManager()
    output = []
    try:
        while not (command := parser.nextCommand()).isNull():
            said = command.invoke(solver, symbols)
            if command.getCommandName() == "check-sat" and not answers(said):
                said = "unknown"  # cvc5 answers nothing when its time is up
            output.append(said)
    except RuntimeError as error:
        raise Unreadable(str(error)) from error
    return answers("\n".join(output))
