"""The entry point of the ``stylize`` command and of ``python -m stylize.cli``."""

from stylize.cli.app import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
