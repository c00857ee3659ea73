"""What can be found out about an installation: which providers work, how exact, how fast.

Here lives what ``stylize doctor`` and ``stylize compare`` find out. Nothing below needs it.
"""
