"""Signatures of settings: their names and defaults, without how they become options."""

from dataclasses import fields
from typing import Any

from sphinx.application import Sphinx

from stylize.runtime import Options


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what this file does."""
    app.connect("autodoc-process-signature", of_settings)
    return {"parallel_read_safe": True}


def of_settings(
    app: Sphinx, what: str, name: str, found: Any, options: Any, signature: str, returned: str
) -> tuple[str, str] | None:
    """Return the signature of the options of a picture; None for all others, which stay."""
    if found is not Options:
        return None
    settings = (f"{field.name}={field.default!r}" for field in fields(Options))
    return f"({', '.join(settings)})", ""
