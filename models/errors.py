"""The errors that stylize raises on purpose; each says what is wrong, why, and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager


class StylizeError(Exception):
    """Base of every error that is the user's to mend; the CLI prints it without a traceback.

    Attributes
    ----------
    setting : str or None
        The name of the setting, as its field is called, where the fault is of that alone.
    """

    setting: str | None = None


class ModelError(StylizeError):
    """A model folder is missing, damaged, or lacks what was asked of it."""

    setting = "model"


class WeightsError(StylizeError):
    """A weights file cannot be read or does not fit the network."""


class ImageError(StylizeError):
    """A picture cannot be read, written or used."""


class ProviderError(StylizeError):
    """An execution provider is unknown or cannot be had."""


class ExtraError(StylizeError):
    """Something needs a package that one of the optional extras installs."""


class OptionError(StylizeError):
    """An option has a value that cannot be used."""


class DivergenceError(StylizeError):
    """A loss became NaN or infinite."""


class CheckpointError(StylizeError):
    """A picture that is not finished cannot be gone on with."""


class UnsupportedOperatorError(StylizeError):
    """The differentiator has no rule for an operator."""


class VerificationError(StylizeError):
    """An exported folder does not compute what it should."""


@contextmanager
def about(setting: str | None) -> Iterator[None]:
    """Let errors tell which setting they are about, unless they tell of another."""
    try:
        yield
    except StylizeError as error:
        error.setting = error.setting or setting
        raise
