"""The site of the documentation, built from the pages where they lie.

``sphinx-build -W -c docs . build/site`` builds it. The root of the repository is the source, so
that a relative link leads to the same page on the site and on a forge.
"""

import sys
from pathlib import Path

from numpydoc.xref import DEFAULT_LINKS

from stylize import __version__, runtime

sys.path.insert(0, str(Path(__file__).parent))
DEFAULT_LINKS.clear()  # into other projects' sites, whose inventories would be fetched

project = "stylize"
release = __version__
copyright = "The stylize developers"  # noqa: A001 (Sphinx's name)

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "extensions.checked",
    "extensions.commands",
    "extensions.contents",
    "extensions.formulas",
    "extensions.programs",
    "extensions.signatures",
]
nitpicky = True

root_doc = "README"
include_patterns = [
    "*.md",
    "docs/*.md",
    "models/*.md",
    "studio/page/*.md",
    "benchmarks/*.md",
    "training/*.md",
]
exclude_patterns = [".*", "build", "dist", "**/node_modules"]

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 4
smartquotes = False  # -- begins an option

default_role = "literal"  # what our docstrings mean by `name`
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # docstrings tell them
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {name: f"stylize.runtime.{name}" for name in runtime.__all__}
numpydoc_xref_ignore = "all"  # types in words, and those of other packages
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = "stylize"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["extensions/static"]
html_css_files = ["site.css"]
