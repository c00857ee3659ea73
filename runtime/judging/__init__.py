"""How near a result is to its painting and to its photo, by measures that were not minimised.

Here lives what ``stylize judge`` finds out: a module for each measure, and the judge, who looks at
the pictures. Nothing below needs it.
"""
