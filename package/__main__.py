"""``python -m stylize``."""

from stylize.cli.__main__ import main

main()
