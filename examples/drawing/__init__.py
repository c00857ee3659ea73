"""How the example pictures are drawn, for ``examples/draw.py``."""
