"""Pictures made for the command line: checked before the work, shown while made, saved at the end.

Here lives what commands share. What is shown, and how, is `stylize.cli.showing`'s.
"""
