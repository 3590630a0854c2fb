"""The engine: equations, composition, metrics, the normal form, LaTeX."""
