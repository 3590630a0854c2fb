"""The settings of the documentation's builder, Sphinx."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from layeralgebra import __version__  # noqa: E402

project, author, copyright = "Layer algebra", "the authors of layer algebra", "the authors of layer algebra"
version = release = __version__
extensions = ["myst_nb", "formulas_as_mathml"]
html_theme, html_title = "furo", "Layer algebra"
html_static_path, html_css_files = [str(Path(__file__).parent / "static")], ["site.css"]
html_math_renderer = "mathml"
html_show_sphinx = False

# Notebooks are shown as they were run; `make notebooks` runs them.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]
