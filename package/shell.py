"""Commands as messages tell them: so that they can be copied into this system's shell."""

import sys


def quoted(*words: str) -> str:
    """Return words of a command, in quotes where they need them."""
    if sys.platform == "win32":
        from subprocess import list2cmdline

        return list2cmdline(words)
    from shlex import join

    return join(words)


def in_turn(*commands: str) -> str:
    """Return commands of which each is for when the one before has succeeded."""
    return (", and then " if sys.platform == "win32" else " && ").join(commands)
