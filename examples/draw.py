"""Draw the two example pictures: ``photo.jpg`` to stylise and ``painting.jpg`` for its style.

Both are made from nothing but seeded random numbers, so that a newcomer can try the program
offline and nobody's rights are touched.

Run ``python examples/draw.py [FOLDER]``; without FOLDER the pictures land beside this script.
"""

import sys
from pathlib import Path

from drawing.painting import draw_painting
from drawing.photo import draw_photo


def main(folder: Path) -> None:
    """Write both pictures into a folder."""
    draw_photo().save(folder / "photo.jpg", quality=92)
    draw_painting().save(folder / "painting.jpg", quality=92)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
