"""``stylize studio``: a page and an API that paint on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from stylize.cli.options.arguments import Json
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.terminal import answer, note
from stylize.installation import install_command
from stylize.models.catalog import user_folder
from stylize.models.errors import ExtraError, OptionError
from stylize.models.settings import require
from stylize.runtime.engine.machine import Machine
from stylize.studio.limits import Limits

NETWORK = "Network"

LAST_PORT = 65535
SHORTEST_TOKEN = 16
"""Characters."""

Port = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="The port on which it answers. Default: 8765, or a free one where that is taken.",
        show_default=False,
        rich_help_panel=NETWORK,
    ),
]
Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="The address on which it answers. Others than this machine reach it only if you name "
        "one, such as 0.0.0.0; then everybody needs the token that is printed. "
        "Default: 127.0.0.1.",
        show_default=False,
        rich_help_panel=NETWORK,
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        metavar="HOST",
        help="A name under which others reach it, behind a proxy for example; then everybody needs "
        "the token, too. Repeat for more.",
        show_default=False,
        rich_help_panel=NETWORK,
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="What everybody has to know, also on this machine. Put it into the variable: others "
        "see the command line. Default: $STYLIZE_STUDIO_TOKEN, else a new one where one is needed.",
        envvar="STYLIZE_STUDIO_TOKEN",
        show_envvar=False,
        show_default=False,
        rich_help_panel=NETWORK,
    ),
]
GalleryFolder = Annotated[
    Path | None,
    typer.Option(
        "--gallery",
        metavar="FOLDER",
        help="Where pictures are kept. Default: a folder of the user's data.",
        show_default=False,
    ),
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Open no browser; the address is printed anyway.")
]
NoPage = Annotated[bool, typer.Option("--no-page", help="Offer the API alone, without the page.")]


def studio(
    *,
    gallery: GalleryFolder = None,
    no_browser: NoBrowser = False,
    no_page: NoPage = False,
    host: Host = "127.0.0.1",
    port: Port = None,
    name: Names = None,
    token: Token = None,
    machine: Annotated[Given, Choose(Machine, without=("cluster",))],
    limits: Limits,
    json: Json = False,
) -> None:
    """Open a page on which photos become paintings: for the mouse, not for the terminal.

    The page is on this machine, and nobody else sees it. Drop a photo and a
    painting, and watch the picture grow. All pictures stay in a gallery. Ctrl-C
    ends it: the picture under way is kept, and can be gone on with.

    Programs have the same as an API (docs/studio.md).
    """
    try:
        from stylize.studio.serving import Settings, Studio, open_browser
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("stylize"):
            raise
        raise ExtraError(
            f"The studio needs a package that is not installed: {error.name}. "
            f"Install it: {install_command('studio')}"
        ) from error
    require(port is None or 0 <= port <= LAST_PORT, "port", port, f"from 0 to {LAST_PORT}")
    if token and len(token) < SHORTEST_TOKEN:
        raise OptionError(
            f"The token has {len(token)} characters, which can be guessed. Take {SHORTEST_TOKEN} "
            "or more, or none, for one that is made up."
        )
    from stylize.cli.showing import reports

    settings = Settings(
        gallery=gallery or _usual_gallery(),
        machine=Machine(**machine),
        limits=limits,
        host=host,
        port=port,
        names=name or (),
        token=token or None,
        page=not no_page,
    )
    opened = Studio(settings)

    def tell() -> None:
        if json:
            reports.print_report(
                reports.Studio(opened.address, opened.token, str(settings.gallery))
            )
        else:
            answer(opened.link)
        note(f"The gallery is in {settings.gallery}. Ctrl-C ends the studio, and keeps all.")
        if not (no_browser or no_page):
            open_browser(opened.link)

    opened.serve(tell, note)


def _usual_gallery() -> Path:
    models = user_folder()
    if models is None:
        raise OptionError("This user has no folder for data. Name one with --gallery.")
    return models.parent / "studio"
