"""The entry point of the ``stylize`` command and of ``python -m stylize``."""

import sys

from stylize.cli.signals import heed_signals, heed_tether


def main() -> None:
    """Run the command line."""
    heed_signals()
    heed_tether()
    try:
        _start()
    except KeyboardInterrupt as stop:  # so early, the edge is not there yet
        sys.exit(getattr(stop, "code", 130))


def _start() -> None:
    try:
        from stylize.cli.app import app
        from stylize.cli.terminal import prepare_streams
    except ImportError as error:
        sys.exit(f"Error: stylize is not whole: {error}. Install it again.")
    prepare_streams()
    app()


if __name__ == "__main__":
    main()
