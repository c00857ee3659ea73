"""What the API answers with: each answer is one of these, and the OpenAPI document tells of them.

The names of the fields are those that a browser and other programs see.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType


def about(text: str) -> Meta:
    """Return what a schema tells of a field."""
    return Meta(description=text)


State: TypeAlias = Literal["queued", "running", "done", "failed", "stopped"]
Scalar: TypeAlias = str | float | int | bool
Kind: TypeAlias = Literal["number", "integer", "choice", "switch", "text"]
Group: TypeAlias = Literal["picture", "look", "more"]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Pixels: TypeAlias = Annotated[int, Meta(ge=1)]
Length: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
Instant: TypeAlias = Annotated[
    str,
    Meta(
        description="A time in UTC, as ISO 8601 writes it.",
        extra_json_schema={"format": "date-time"},
    ),
]
Id: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Input(Struct, frozen=True):
    """A picture that was uploaded."""

    name: Annotated[str, about("The file's name, as far as it can be shown.")]
    width: Annotated[Pixels, about("Upright.")]
    height: Pixels


class Progress(Struct, frozen=True):
    """How far a picture is."""

    iteration: Annotated[Count, about("The last one, of all scales.")]
    iterations: Annotated[Count, about("How many there are, of all scales.")]
    scale: Annotated[Pixels, about("The scale that it is in, from 1.")]
    scales: Pixels
    width: Annotated[Pixels, about("Of this scale.")]
    height: Pixels
    loss: Annotated[float | None, about("The total; null if it is not finite.")]
    content_loss: float | None
    style_loss: float | None
    seconds: Annotated[Seconds, about("Since the first iteration began.")]
    left: Annotated[Seconds | None, about("Seconds to the end, an estimate.")]
    losses: Annotated[
        list[tuple[int, float]] | UnsetType,
        about("Iterations with their loss, 500 at most; only in GET /api/jobs/ID."),
    ] = UNSET


class Job(Struct, frozen=True):
    """A picture that was asked for."""

    id: Id
    state: State
    position: Annotated[int | None, about("In the queue, from 1; null if it does not wait.")]
    created: Instant
    started: Instant | None
    finished: Instant | None
    photo: Input
    paintings: list[Input]
    options: Annotated[dict[str, Scalar], about("Those that were given.")]
    progress: Progress | None
    picture: Annotated[bool, about("Whether there is a picture, finished or so far.")]
    preview_version: Annotated[Count, about("Another number means another picture; 0 for none.")]
    error: Annotated[str | None, about("Why it failed: what, why, and what to do next.")]
    resumable: Annotated[bool, about("Whether it can be gone on with.")]


class Jobs(Struct, frozen=True):
    """Jobs, newest first."""

    jobs: list[Job]


class Accepted(Struct, frozen=True):
    """A job that was put into the queue."""

    id: Id


class Preview(Struct, frozen=True):
    """A new picture so far."""

    version: Count


class Field(Struct, frozen=True):
    """An option of a picture, for a control on a page."""

    name: str
    label: str
    help: str
    kind: Kind
    minimum: Annotated[float | None, about("A number's least; null if there is none.")]
    maximum: Annotated[float | None, about("A number's most; null if there is none.")]
    scale: Annotated[Literal["linear", "log"], about("How a slider divides its way.")]
    default: Scalar | None
    choices: list[str] | None
    group: Group


class Fields(Struct, frozen=True):
    """The options that a job takes."""

    fields: list[Field]


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """What a plan is asked for: sizes of pictures, and options."""

    photo: Annotated[tuple[Length, Length], about("Width and height.")]
    paintings: Annotated[list[tuple[Length, Length]], Meta(min_length=1, max_length=8)]
    options: dict[str, Scalar | None] = {}


class Plan(Struct, frozen=True):
    """What a picture would take."""

    width: Pixels
    height: Pixels
    memory_bytes: Annotated[Count, about("The most at a time.")]
    seconds: Annotated[Seconds | None, about("From steps that were measured here; null before.")]
    provider: str
    remarks: Annotated[list[str], about("What else is to be known, in sentences.")]


class Health(Struct, frozen=True):
    """What answers, and how busy it is."""

    status: Literal["ok"]
    version: str
    model: str
    provider: str
    device: str
    queued: Count
    running: Count


class Config(Struct, frozen=True):
    """Which engine a page is to use."""

    engine: Literal["server"]


class Fault(Struct, frozen=True):
    """Why nothing was done."""

    error: Annotated[str, about("What, why, and what to do next.")]
