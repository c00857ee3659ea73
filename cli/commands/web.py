"""``stylize web``: the page as a static site, which paints in the visitor's browser."""

from pathlib import Path
from typing import Annotated

import typer

from stylize.cli.options.arguments import Json, Quiet
from stylize.cli.options.grouping import offering
from stylize.cli.terminal import note
from stylize.models.catalog import EMBEDDED_MODEL, find_model, model_folders
from stylize.models.folder import open_folder
from stylize.shell import quoted

MEGABYTE = 1e6

Folder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where to write the site. One that stylize made there before is replaced. Default: "
        "site.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="The model that looks at the pictures, by its name or folder. Repeat for several, of "
        f"which the first is the usual one. Default: {EMBEDDED_MODEL}.",
        show_default=False,
        autocompletion=offering(lambda: (folder.name for folder in model_folders())),
    ),
]


def web(
    *,
    output: Folder = Path("site"),
    models: Models = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a static site whose page paints in the visitor's own browser.

    Photos never leave the visitor's machine. The site works below any path, and offline after the
    first visit.

    npm gets ONNX Runtime's build for browsers once.
    """
    from stylize.studio.site.building import build_site, check_site
    from stylize.studio.site.onnxruntime_web import gather_runtime

    opened = [open_folder(find_model(name)) for name in models or [EMBEDDED_MODEL]]
    check_site(output.absolute(), opened)  # before anything is downloaded
    site = build_site(output.absolute(), opened, gather_runtime())
    if json:
        from stylize.cli.showing.reporting import report_site

        report_site(opened, site)
    if not quiet:
        note(
            f"{output}: {site.bytes / MEGABYTE:.1f} MB. A first visit loads "
            f"{site.first_load / MEGABYTE:.1f} MB if the server compresses, with WebGPU "
            f"{site.first_load_webgpu / MEGABYTE:.1f} MB."
        )
        look = quoted("python", "-m", "http.server", "--directory", str(output))
        note(f"Look at it: {look}, then open http://localhost:8000")
