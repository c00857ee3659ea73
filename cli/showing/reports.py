"""What commands print with ``--json``: one of these objects a line.

They are typed, so that the schema of them all can be written (`stylize.cli.reference`). Only what
prints one imports this module, since msgspec takes its time.
"""

import json
import sys
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, to_builtins

from stylize.cli.showing.telling import State
from stylize.cli.terminal import NoReaderError, answer, discard
from stylize.models.errors import StylizeError
from stylize.models.layers import PoolingKind
from stylize.runtime.method.options import OptimizerName
from stylize.runtime.providers.table import Precision

Bytes = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Pixels = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0)]
"""A distance in units of another; 0 is none."""


def about(text: str) -> Meta:
    """Return what the schema says of a field."""
    return Meta(description=text)


Ending = Annotated[
    State,
    about("What ended the work: done, it did by itself; stopped, a signal; failed, an error."),
]


class Size(Struct, frozen=True):
    """Pixels; of a tile, positions of a map."""

    width: Pixels
    height: Pixels


class Picture(Struct, frozen=True, tag_field="report", tag="picture"):
    """A picture that was made: by run, texture, reconstruct, rerun or resume."""

    state: Ending
    picture: Annotated[str, about("The file.")]
    width: Pixels
    height: Pixels
    iteration: Annotated[int, about("The one that gave the picture, counted from 1.")]
    iterations: Annotated[int, about("How many were made.")]
    spared: Annotated[int, about("How many were not needed, since the loss had settled.")]
    seconds: Annotated[Seconds, about("How long they took.")]
    loss: Annotated[float, about("The total of the picture, at the last scale.")]


class Sheet(Struct, frozen=True, tag_field="report", tag="sheet"):
    """A labelled sheet: by sheet, grid or figure."""

    state: Ending
    sheet: Annotated[str | None, about("The file; null if something ended the work before.")]
    width: Pixels | None
    height: Pixels | None
    pictures: Annotated[list[str], about("The files of its pictures, as far as they are there.")]


class Failure(Struct, frozen=True):
    """A pair of which no picture could be made."""

    photo: str
    painting: str
    error: Annotated[str, about("Why, and what to do.")]


class Batch(Struct, frozen=True, tag_field="report", tag="batch"):
    """What came of a batch."""

    state: Ending
    folder: Annotated[str, about("Where the pictures are.")]
    record: Annotated[str, about("The file with a line for each pair.")]
    total: Annotated[int, about("Pairs of a photo and a painting.")]
    made: int
    there: Annotated[int, about("Those whose picture was there already.")]
    failed: int
    interrupted: int
    left: Annotated[int, about("The rest: left, or made by another process.")]
    failures: list[Failure]


class Scale(Struct, frozen=True):
    """A size in which a picture is painted, and how it is computed there."""

    width: Pixels
    height: Pixels
    iterations: int
    seconds_a_step: Seconds
    workers: Annotated[int, about("How many share it; 0 without --cluster. Bytes are of each.")]
    tile: Annotated[Size | None, about("In positions of a map; null if it is computed whole.")]
    optimizer: OptimizerName
    history: Annotated[int, about("Steps that L-BFGS remembers; 0 for Adam.")]
    on_disk: Annotated[list[str], about("Some of history, targets, images and maps.")]
    memory_bytes: Bytes
    disk_bytes: Bytes


class Forecast(Struct, frozen=True):
    """What a picture would take on a provider."""

    provider: str
    precision: Precision
    fault: Annotated[str | None, about("Why it cannot compute here; the rest then tells nothing.")]
    fits: bool
    too_large: Annotated[str | None, about("Why the picture does not fit.")]
    limit_bytes: Annotated[Bytes | None, about("What it may take; null if that is unknown.")]
    largest: Annotated[Size | None, about("The largest of these proportions that fits.")]
    memory_bytes: Annotated[Bytes | None, about("The most at a time; null without a plan.")]
    disk_bytes: Annotated[Bytes | None, about("The most at a time; null without a plan.")]
    seconds: Annotated[Seconds | None, about("What all steps take; null without a plan.")]
    scales: Annotated[list[Scale], about("From coarse to fine; empty without a plan.")]


class Plan(Struct, frozen=True, tag_field="report", tag="plan"):
    """What a picture would take."""

    providers: list[Forecast]


class Distance(Struct, frozen=True):
    """How far a result is from a picture."""

    value: Share
    whole: Annotated[Share, about("The distance of what stands for 1.")]
    share: Annotated[Share, about("The value divided by it.")]


class Judgement(Struct, frozen=True, tag_field="report", tag="judgement"):
    """How near a result is to its painting and to its photo; judge prints one for each."""

    result: Annotated[str, about("The file.")]
    width: Annotated[Pixels, about("In which it was seen.")]
    height: Pixels
    enlarged: Annotated[bool, about("Whether the file itself is smaller.")]
    style: Annotated[Share, about("0 as the painting, 1 as the photo.")]
    colours: Annotated[Share, about("0 as the painting, 1 as the photo.")]
    structure: Annotated[Share, about("0 as the photo, 1 as the photo shuffled.")]
    distances: Annotated[dict[str, Distance], about("What these are computed of, by name.")]


class Check(Struct, frozen=True):
    """Something that an exported model computes, compared with the truth."""

    subject: str
    difference: Annotated[float | None, about("Relative; null if it is not finite.")]
    tolerance: float
    passed: bool


class Export(Struct, frozen=True, tag_field="report", tag="export"):
    """A model folder that was written."""

    folder: str
    weights: Annotated[str, about("Where they come from.")]
    preprocessing: str
    weights_bytes: Bytes
    graphs: Annotated[int, about("How many.")]
    graphs_bytes: Bytes
    checks: list[Check]


class FoundModel(Struct, frozen=True):
    """A model that was found."""

    name: str
    folder: str
    embedded: Annotated[bool, about("Whether it is part of stylize.")]
    fault: Annotated[str | None, about("Why it cannot be used; the rest is then null.")]
    network: str | None
    pooling: PoolingKind | None
    dtype: Annotated[str | None, about("Of the weights.")]
    weights_bytes: Bytes | None
    weights: Annotated[str | None, about("Where they come from.")]
    weights_sha256: str | None


class Site(Struct, frozen=True, tag_field="report", tag="site"):
    """A static site that was made."""

    folder: str
    models: Annotated[list[str], about("Their names, the usual one first.")]
    files: Annotated[list[str], about("Their paths, from the site's folder.")]
    bytes: Bytes
    first_load: Annotated[Bytes, about("Compressed, where the browser has no WebGPU.")]
    first_load_webgpu: Annotated[Bytes, about("Compressed, where it has.")]


class Models(Struct, frozen=True, tag_field="report", tag="models"):
    """The models that were found."""

    models: Annotated[
        list[FoundModel], about("In the order of search: of a name, the first counts.")
    ]
    passed_over: Annotated[list[str], about("Folders with a model.json of another program.")]
    searched: Annotated[list[str], about("The folders in which models are looked for.")]


class NamedPreset(Struct, frozen=True):
    """Settings under a name."""

    name: str
    source: Annotated[str, about("Whose settings these are.")]
    model: Annotated[str | None, about("The model that it is meant for; null for any.")]
    pooling: PoolingKind | None
    options: Annotated[dict[str, Any], about("By the names that Python and recipes have.")]
    loss: Annotated[list[str], about("The terms of the loss in the paper's letters, then notes.")]
    departures: Annotated[list[str], about("In what it differs from the source.")]


class Presets(Struct, frozen=True, tag_field="report", tag="presets"):
    """Presets."""

    presets: list[NamedPreset]


class Mode(Struct, frozen=True):
    """A precision in which a provider works."""

    precision: Precision
    seconds: Annotated[
        Seconds | None, about("A gradient of the embedded model; null if not timed.")
    ]


class ProviderState(Struct, frozen=True):
    """What was found out about a provider."""

    provider: str
    installed: bool
    tried: bool
    works_in: list[Mode]
    fault: Annotated[str | None, about("Why it does not work, or not in all precisions.")]


class Choice(Struct, frozen=True):
    """A provider and a precision."""

    provider: str
    precision: Precision


class Doctor(Struct, frozen=True, tag_field="report", tag="doctor"):
    """What works here."""

    facts: Annotated[dict[str, str], about("Software and machine, in words.")]
    providers: list[ProviderState]
    fastest: Annotated[Choice | None, about("What auto stands for; null if that was not asked.")]
    advice: Annotated[list[str], about("What would mend the installation or make it faster.")]


class Tolerance(Struct, frozen=True):
    """The largest relative differences that rounding explains."""

    losses: float
    gradient: float
    final_loss: float
    reason: str


class Outcome(Struct, frozen=True):
    """What a provider computed; relative differences are null if they are not finite."""

    provider: str
    precision: Precision
    verdict: Literal["ok", "too far", "failed", "unusable"]
    fault: Annotated[str | None, about("Why it computed nothing; the rest is then null.")]
    losses: float | None
    gradient: float | None
    final_loss: float | None
    seconds_a_step: Seconds | None
    memory_bytes: Annotated[Bytes | None, about("What it adds; null if that is unknown.")]
    expected: Annotated[Tolerance | None, about("At most, where it is too far off.")]


class Comparison(Struct, frozen=True, tag_field="report", tag="comparison"):
    """Providers beside the CPU in float32."""

    outcomes: list[Outcome]


class Studio(Struct, frozen=True, tag_field="report", tag="studio"):
    """A studio that is open; it is printed when requests are answered."""

    address: str
    token: Annotated[str | None, about("What requests have to tell; null if nothing.")]
    gallery: Annotated[str, about("The folder.")]


Report: TypeAlias = (
    Picture
    | Sheet
    | Batch
    | Plan
    | Judgement
    | Export
    | Site
    | Models
    | Presets
    | Doctor
    | Comparison
    | Studio
)


def print_report(report: Report, made: str = "") -> None:
    """Print a report as a line of ASCII, which no encoding of the output can spoil.

    Parameters
    ----------
    report : Report
        The report.
    made : str
        A sentence that tells where is what was made, for whoever does not get the report.

    Raises
    ------
    StylizeError
        It cannot be printed, but something was made.
    NoReaderError, OSError
        It cannot be printed.
    """
    try:
        answer(json.dumps(to_builtins(report), allow_nan=False))
    except (NoReaderError, OSError) as error:
        if not made:
            raise
        if sys.stdout:
            discard(sys.stdout)
        why = getattr(error, "strerror", None) or "whoever was to read it has gone"
        raise StylizeError(f"The report cannot be printed: {why}. {made}") from error
