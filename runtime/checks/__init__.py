"""What can be found out before the work: which providers are good for it, and what it takes.

Here lives what ``stylize doctor``, ``compare`` and ``plan`` find out. Nothing below needs it.
"""
