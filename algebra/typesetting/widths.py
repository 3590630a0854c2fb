r"""How wide mathematics and text are in TeX's own type, Computer Modern at 10 pt, in thousandths of the size.

The figures are those of the font metric files cmr10, cmmi10 and cmsy10 (Knuth), with the correction for slanted capitals added to
the width of a letter, so that what is measured is rather too wide than too narrow.
"""

from __future__ import annotations

ROMAN = dict(
    zip(
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~ ",
        (
            278, 500, 833, 500, 833, 778, 278, 389, 389, 500, 778, 278, 333, 278, 500, 500, 500, 500, 500, 500, 500, 500,
            500, 500, 500, 278, 278, 778, 778, 778, 472, 778, 750, 708, 722, 764, 681, 653, 785, 750, 361, 514, 778, 625,
            917, 750, 778, 681, 778, 736, 556, 722, 750, 750, 1028, 750, 750, 611, 278, 500, 278, 500, 500, 278, 500,
            556, 444, 556, 444, 306, 500, 556, 278, 306, 528, 278, 833, 556, 500, 556, 528, 392, 394, 389, 556, 528, 722,
            528, 528, 444, 500, 278, 500, 500, 333,
        ),
    )
)  # fmt: skip
ITALIC = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        (
            750, 809, 787, 856, 796, 782, 786, 912, 518, 651, 921, 681, 1079, 912, 791, 781, 791, 767, 671, 723, 792, 805,
            1083, 906, 803, 755, 529, 429, 433, 520, 466, 598, 513, 576, 345, 469, 552, 318, 878, 600, 485, 503, 482, 479,
            469, 361, 572, 521, 743, 572, 526, 509,
        ),
    )
)  # fmt: skip
#: Letters and signs that have a name.
NAMED = {
    "alpha": 640, "beta": 619, "gamma": 574, "delta": 483, "epsilon": 406, "varepsilon": 466, "zeta": 512, "eta": 533,
    "theta": 497, "iota": 354, "kappa": 576, "lambda": 583, "mu": 603, "nu": 558, "xi": 484, "pi": 606, "rho": 517,
    "sigma": 607, "tau": 550, "upsilon": 576, "phi": 596, "chi": 626, "psi": 687, "omega": 659,
    "Gamma": 625, "Delta": 833, "Theta": 778, "Lambda": 694, "Xi": 667, "Pi": 750, "Sigma": 722, "Upsilon": 778,
    "Phi": 722, "Psi": 778, "Omega": 722, "ell": 417, "infty": 1000, "partial": 531, "prime": 275, "top": 778, "bot": 778,
    "cdot": 278, "ldots": 1172, "dots": 1172, "times": 778, "odot": 778, "pm": 778, "div": 778, "neg": 667,
    "le": 778, "ge": 778, "ne": 778, "neq": 778, "in": 667, "mid": 278, "to": 1000, "mapsto": 1000, "sim": 778,
    "iff": 1638, "implies": 1638, "equiv": 778, "approx": 778, "land": 667, "lor": 667, "oplus": 778, "otimes": 778,
    "parallel": 500, "circ": 500, "square": 778, "lvert": 278, "rvert": 278, "lVert": 500, "rVert": 500, "lfloor": 444,
    "rfloor": 444, "lceil": 444, "rceil": 444, "langle": 389, "rangle": 389, "sum": 1056, "prod": 944, "int": 417,
    "bigoplus": 1111, "bmod": 2200, "max": 1861, "min": 1667, "log": 1278, "exp": 1500, "ln": 834, "sin": 1228, "cos": 1338,
    "tan": 1389, "sup": 1450, "inf": 1140, "det": 1389, "dim": 1667, "tanh": 1945, "sinh": 1784, "cosh": 1894, "emptyset": 500,
    "lbrace": 500, "rbrace": 500,
}  # fmt: skip
BINARY = {"+", "-", "*", "times", "cdot", "odot", "pm", "div", "land", "lor", "oplus", "otimes", "bmod", "circ"}
RELATIONS = {
    "=", "<", ">", ":", "le", "ge", "ne", "neq", "in", "mid", "to", "mapsto", "sim", "iff", "implies", "equiv", "approx",
    "parallel",
}  # fmt: skip
OPERATORS = {
    "sum", "prod", "int", "bigoplus", "max", "min", "log", "exp", "ln", "sin", "cos", "tan", "sup", "inf", "det", "dim",
    "tanh", "sinh", "cosh",
}  # fmt: skip
OPENING = {"(", "[", "lvert", "lfloor", "lceil", "langle", "lVert", "lbrace"}
CLOSING = {")", "]", "rvert", "rfloor", "rceil", "rangle", "rVert", "rbrace"}
SPACES = {
    ",": 167,
    ":": 222,
    ";": 278,
    "!": -167,
    " ": 333,
    "quad": 1000,
    "qquad": 2000,
    "enspace": 500,
    "allowbreak": 0,
}
TYPEWRITER = 525
SCRIPT = 0.72
"""How much smaller indices and exponents are."""
MILLIMETRE = 72.27 / 25.4
"""In points."""


def roman(text: str) -> int:
    """The width of plain text in the upright type."""
    return sum(ROMAN.get(letter, 600) for letter in text)
