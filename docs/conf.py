"""How Sphinx builds the documentation. Needs no network."""

from importlib.metadata import version as version_of

project = "Skua"
copyright = "The Skua authors"
release = version_of("skua")

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Skua {release}"
html_show_sourcelink = False
html_copy_source = False
