"""The entry point of the ``stylize`` command and of ``python -m stylize.cli``."""

from stylize.cli.app import app
from stylize.cli.signals import heed_signals


def main() -> None:
    """Run the command line."""
    heed_signals()
    app()


if __name__ == "__main__":
    main()
