"""The options of the commands: dataclasses of settings turned into parameters, shared arguments.

Here lives what knows Typer. Defaults, ranges and help are those of the library's fields.
"""
