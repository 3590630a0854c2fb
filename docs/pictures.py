"""The pictures in the documentation, drawn by the library: ``python -P docs/pictures.py`` writes them.

>>> sorted(pictures())
['layer.svg', 'network.svg']
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent


def first_example() -> dict[str, object]:
    """The names that the example on the first page defines."""
    page = (HERE.parent / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^```python\n(.*?)^macs = ", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    names: dict[str, object] = {}
    exec(compile(found[1], "README.md", "exec"), names)  # our own documentation
    return names


def pictures() -> dict[str, str]:
    """The text of every picture, by the name of its file."""
    import layeralgebra as la

    names = first_example()
    K, G, c, H, W = la.dims("K G c H W")
    drawn = {
        "network.svg": la.to_svg(names["net"], level="node"),
        "layer.svg": la.to_svg(names["Involution"](K, G), level="equation", on=(c, H, W)),  # type: ignore[operator]
    }
    white = '<rect width="100%" height="100%" fill="white"/>'  # a page may be dark
    return {name: text.replace("</title>\n", f"</title>\n{white}\n", 1) + "\n" for name, text in drawn.items()}


if __name__ == "__main__":
    (HERE / "pictures").mkdir(exist_ok=True)
    for name, text in pictures().items():
        (HERE / "pictures" / name).write_text(text, encoding="utf-8")
