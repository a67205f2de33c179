"""Build with ``sphinx-build -c . docs OUTDIR``."""

from sphinx_ptyreg import __version__

project = "sphinx-ptyreg"
author = "the sphinx-ptyreg authors"
copyright = "2026, the sphinx-ptyreg authors"
version = release = __version__
extensions = ["myst_parser", "sphinx_ptyreg"]
exclude_patterns = ["_build", "_static", "evidence"]
myst_enable_extensions = ["colon_fence", "deflist", "substitution"]
myst_heading_anchors = 3
nitpicky = True
ptyreg_exports = ["json", "csv", "benchmark", "shields", "svg"]
latex_engine = "xelatex"  # the pages draw arrows and boxes
html_theme = "furo"
html_title = "sphinx-ptyreg"
html_static_path = ["docs/_static"]
html_css_files = ["guide.css"]
