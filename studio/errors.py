"""What the studio refuses, each with the status by which HTTP tells of it."""

from stylize.models.errors import StylizeError


class RefusedError(StylizeError):
    """Something that was asked for is not done.

    Attributes
    ----------
    status : int
        Of the answer.
    """

    status = 400

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status or self.status


class NotThereError(RefusedError):
    """There is no such thing."""

    status = 404


class ConflictError(RefusedError):
    """It is not in a state in which this can be done."""

    status = 409


class TooLargeError(RefusedError):
    """What is sent is larger than what is taken."""

    status = 413


class BusyError(RefusedError):
    """There is too much to be done already."""

    status = 503


class NoSpaceError(RefusedError):
    """The disk is full, or as full as it may be."""

    status = 507
