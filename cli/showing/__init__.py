"""What is shown: progress, the trace, tables.

Nothing here computes; it listens to iterates and lays out what was found.
"""
