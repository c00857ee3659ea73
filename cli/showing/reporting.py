"""What commands found, printed for programs: each function fills one of `reports`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.showing import reports
from stylize.cli.showing.preset_text import loss_lines
from stylize.cli.showing.reports import print_report
from stylize.cli.showing.tally import Tally
from stylize.cli.showing.telling import State
from stylize.models.amounts import counted
from stylize.models.catalog import embedded_folder
from stylize.models.manifest import Manifest, read_manifest
from stylize.runtime.batches.record import FILE
from stylize.runtime.plans.preset import Preset

if TYPE_CHECKING:
    from stylize.export.writing.verify import Check
    from stylize.models.folder import ModelFolder
    from stylize.runtime import Iterate, Judgement
    from stylize.runtime.checks.forecast import Forecast, Scale
    from stylize.runtime.checks.outcome import Outcome
    from stylize.runtime.checks.survey import Verdict
    from stylize.runtime.method.iteration import Found
    from stylize.runtime.providers.table import Precision
    from stylize.studio.site.building import Site


def report_picture(state: State, place: str, best: "Found", last: "Iterate") -> None:
    """Print what picture was made, and when the iteration ended that saw it."""
    print_report(
        reports.Picture(
            state,
            place,
            *best.size,
            iteration=best.iteration,
            iterations=last.iteration,
            spared=last.spared,
            seconds=last.seconds,
            loss=best.total,
        ),
        f"The picture is in '{place}'.",
    )


def report_sheet(
    state: State, sheet: Path, size: tuple[int, int] | None, pictures: Iterable[Path]
) -> None:
    """Print what is on a sheet; without a size, there is none yet."""
    names, (width, height) = _names(pictures), size or (None, None)
    if size:
        made = f"The sheet is in '{sheet}'."
    else:
        made = f"There are {counted(len(names), 'picture')} in '{sheet.parent}', and no sheet."
    print_report(
        reports.Sheet(state, str(sheet) if size else None, width, height, pictures=names), made
    )


def report_plan(found: "Iterable[Forecast]") -> None:
    """Print what a picture would take on each provider."""
    print_report(reports.Plan([_forecast(each) for each in found]))


def _forecast(found: "Forecast") -> reports.Forecast:
    planned = bool(found.scales)
    steps = zip(found.scales, found.seconds_a_step, strict=True)
    return reports.Forecast(
        provider=found.provider,
        precision=found.precision,
        fault=found.fault,
        fits=not (found.fault or found.too_large),
        too_large=found.too_large,
        limit_bytes=found.limit,
        largest=reports.Size(*found.largest) if found.largest else None,
        memory_bytes=found.memory if planned else None,
        disk_bytes=found.disk if planned else None,
        seconds=found.seconds if planned else None,
        scales=[_scale(scale, seconds) for scale, seconds in steps],
    )


def _scale(scale: "Scale", seconds: float) -> reports.Scale:
    plan = scale.plan
    return reports.Scale(
        *scale.size,
        iterations=scale.iterations,
        seconds_a_step=seconds,
        workers=plan.workers,
        tile=reports.Size(plan.tile[1], plan.tile[0]) if plan.tile else None,
        optimizer=plan.optimizer,
        history=plan.history if plan.optimizer == "lbfgs" else 0,
        on_disk=list(plan.on_disk),
        memory_bytes=plan.memory,
        disk_bytes=plan.disk,
    )


def report_judgement(path: Path, found: "Judgement") -> None:
    """Print how near a result is."""
    distances = {
        name: reports.Distance(distance.value, distance.whole, distance.share)
        for name, distance in found.distances.items()
    }
    print_report(
        reports.Judgement(
            str(path),
            *found.size,
            enlarged=found.enlarged,
            style=found.style,
            colours=found.colours,
            structure=found.structure,
            distances=distances,
        )
    )


def report_batch(state: State, tally: Tally, folder: Path) -> None:
    """Print what came of a batch."""
    failures = [
        reports.Failure(entry.photo, entry.painting, entry.error or "") for entry in tally.failed
    ]
    print_report(
        reports.Batch(
            state,
            folder=str(folder),
            record=str(folder / FILE),
            total=tally.total,
            made=tally.count("made"),
            there=tally.count("there"),
            failed=len(failures),
            interrupted=tally.count("interrupted"),
            left=tally.total - tally.done,
            failures=failures,
        ),
        f"The pictures are in '{folder}', with the record '{FILE}'.",
    )


def report_export(folder: Path, checks: "Iterable[Check]") -> None:
    """Print what model was written, and how it was checked."""
    manifest = read_manifest(folder)
    weights = manifest.weights
    files = [file.file for file in manifest.files if file is not weights]
    print_report(
        reports.Export(
            folder=str(folder),
            weights=weights.source,
            preprocessing=manifest.preprocessing.name,
            weights_bytes=(folder / weights.file).stat().st_size,
            graphs=len(files),
            graphs_bytes=sum((folder / file).stat().st_size for file in files),
            checks=[
                reports.Check(
                    each.subject, _finite(each.difference), each.tolerance, bool(each.passed)
                )
                for each in checks
            ],
        ),
        f"The model is in '{folder}'.",
    )


def report_models(
    found: Iterable[tuple[Path, Manifest | None, str | None]],
    passed_over: Iterable[Path],
    searched: Iterable[Path],
) -> None:
    """Print the models that were found, each with its manifest or with what is wrong with it."""
    models = [_model(*each) for each in found]
    print_report(reports.Models(models, _names(passed_over), _names(searched)))


def _model(folder: Path, manifest: Manifest | None, fault: str | None) -> reports.FoundModel:
    weights = manifest.weights if manifest else None
    return reports.FoundModel(
        name=folder.name,
        folder=str(folder),
        embedded=folder == embedded_folder(),
        fault=fault,
        network=manifest.network if manifest else None,
        pooling=manifest.pooling if manifest else None,
        dtype=weights.dtype if weights else None,
        weights_bytes=(folder / weights.file).stat().st_size if weights else None,
        weights=weights.source if weights else None,
        weights_sha256=weights.sha256 if weights else None,
    )


def report_presets(chosen: Mapping[str, Preset]) -> None:
    """Print presets."""
    print_report(reports.Presets([_preset(*item) for item in chosen.items()]))


def _preset(name: str, preset: Preset) -> reports.NamedPreset:
    return reports.NamedPreset(
        name=name,
        source=preset.source,
        model=preset.model,
        pooling=preset.pooling,
        options=asdict(preset.options),
        loss=loss_lines(preset.options),
        departures=list(preset.departures),
    )


def report_doctor(
    facts: Iterable[tuple[str, str]],
    verdicts: "Iterable[Verdict]",
    fastest: "tuple[str, Precision] | None",
    advice: Iterable[str],
) -> None:
    """Print what works here."""
    print_report(
        reports.Doctor(
            facts=dict(facts),
            providers=[_state(each) for each in verdicts],
            fastest=reports.Choice(*fastest) if fastest else None,
            advice=list(advice),
        )
    )


def _state(found: "Verdict") -> reports.ProviderState:
    return reports.ProviderState(
        provider=found.name,
        installed=found.present,
        tried=found.tried,
        works_in=[reports.Mode(mode, found.seconds.get(mode)) for mode in found.works_in],
        fault=found.fault,
    )


def report_site(models: "Iterable[ModelFolder]", site: "Site") -> None:
    """Print what a static site has, and what a first visit takes."""
    print_report(
        reports.Site(
            folder=str(site.path),
            models=[each.path.name for each in models],
            files=list(site.files),
            bytes=site.bytes,
            first_load=site.first_load,
            first_load_webgpu=site.first_load_webgpu,
        )
    )


def report_comparison(outcomes: "Iterable[Outcome]") -> None:
    """Print how far each provider is from the reference."""
    print_report(reports.Comparison([_outcome(each) for each in outcomes]))


def _outcome(outcome: "Outcome") -> reports.Outcome:
    measurement, apart, most = outcome.found or (None, None, None)
    return reports.Outcome(
        *outcome.mode,
        verdict=outcome.verdict,
        fault=outcome.fault,
        losses=_finite(apart.losses) if apart else None,
        gradient=_finite(apart.gradient) if apart else None,
        final_loss=_finite(apart.final) if apart else None,
        seconds_a_step=measurement.seconds if measurement else None,
        memory_bytes=measurement.memory if measurement else None,
        expected=reports.Tolerance(most.losses, most.gradient, most.final, most.reason)
        if most
        else None,
    )


def _finite(number: float) -> float | None:
    """Return a number that JSON knows."""
    return float(number) if isfinite(number) else None


def _names(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in paths]
