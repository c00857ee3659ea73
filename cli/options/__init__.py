"""The options of the commands: dataclasses of settings turned into parameters, shared arguments.

Here lives what makes Typer's parameters. Defaults, ranges and help are those of the fields.
"""
