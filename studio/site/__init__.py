"""``stylize web``: the page as a static site, whose engine is the visitor's browser.

The site holds the page's files as they are, ONNX Runtime's build for browsers, and models with the
graphs that the page uses.
"""
