"""The command line, ``stylize``: one module a command; nothing heavy is imported before it runs."""
