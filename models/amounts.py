"""Amounts in words."""


def amount(count: float) -> str:
    """Return bytes in a unit that suits them: ``2.5 GB``, ``300 MB``."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def counted(number: int, what: str) -> str:
    """Return ``1 worker``, ``2 workers``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
