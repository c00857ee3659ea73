"""Stands for the command line where tests need many pictures at once: it copies the photo.

What it does beside that, the option --seed says.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

FAILS, WAITS, DIES, STUMBLES, STUBBORN = 1, 2, 3, 4, 5

LINE = (
    '{{"iteration": {0}, "seconds": {0}.5, "width": 48, "height": 32, "total": {1}, '
    '"content": 1.0, "style": null}}\n'
)


def main(words: list[str]) -> int:
    options = dict(word[2:].split("=") for word in words if word.startswith("--") and "=" in word)
    seed, iterations = int(options.get("seed", 0)), int(options.get("iterations", 3))
    with open("../../painted.txt", "a") as book:
        book.write(f"{Path.cwd().name}\n")
    if seed == FAILS:
        print("Some remark", file=sys.stderr)
        print("Error: The paint has run out. Use a smaller --painting-size.", file=sys.stderr)
        return 1
    if seed == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == STUMBLES:
        return 7
    with open("trace.jsonl", "a") as trace:
        for number in range(1, iterations + 1):
            trace.write(LINE.format(number, iterations - number))
    photo = next(Path().glob("photo.*"))
    if words[0] == "run" and seed == WAITS:
        shutil.copy(photo, "preview.png")
        os.read(0, 1)  # until the studio closes the pipe, or is gone
        shutil.copy(photo, "picture.png")
        Path("picture.png.checkpoint").write_text("half")
        return 130
    if seed == STUBBORN:
        time.sleep(600)  # as a step may take
    shutil.copy(photo, "picture.png")
    Path("picture.png.checkpoint").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
