"""The commands, one file each: its parameters, and what it calls.

Here lives what a user sees of a command. Work that two commands share is `stylize.cli.making`'s.
"""
