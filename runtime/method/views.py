"""A photo and a painting as they are looked at: in which size, in which colours, how framed."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import OptionError
from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.method.options import Options
from stylize.runtime.method.start import faint_noise, start_file, white_noise
from stylize.runtime.pictures.arrays import add_enlarged, fill, mirror, room_for, to_array
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.matching import match_colours, moments
from stylize.runtime.pictures.reading import Picture, PictureLike, open_picture
from stylize.runtime.pictures.sizes import check_sides, scaled_size
from stylize.runtime.pictures.transparency import Seen

Array = npt.NDArray[np.float32]
Size = tuple[int, int]
"""Width and height."""
Look = tuple[object, ...]
"""What decides on the pixels that are looked at: size, side, margin and so on."""

USE_LARGER = "Use a larger --size."

RECENT = 12
"""So many scaled pictures are remembered: two for each scale of a picture of 4096 pixels."""


class Views:
    """The pictures of a scene, each in any size; a file is read when a size is first needed.

    All methods raise ImageError where a picture is too small for the options or cannot be read,
    and OptionError where the options ask for a picture that is not there. None reads a pixel but
    those that return arrays or what is seen.

    Parameters
    ----------
    folder : ModelFolder
        The model that looks at them: its layers need sides of some length.
    photo, painting : PIL image, path, bytes, binary file or array, optional
        The pictures; one may be missing.
    """

    def __init__(
        self, folder: ModelFolder, photo: PictureLike | None, painting: PictureLike | None
    ) -> None:
        if photo is None and painting is None:
            raise OptionError("There is nothing to match: give a photo, a painting, or both.")
        self._folder = folder
        self._photo = None if photo is None else open_picture(photo, alpha=True)
        self._painting = None if painting is None else open_picture(painting)
        self._recent: dict[object, Seen] = {}

    @property
    def sources(self) -> tuple[Size | None, Size | None]:
        """Width and height of the photo and of the painting, upright."""
        photo, painting = self._photo, self._painting
        return photo.size if photo else None, painting.size if painting else None

    def check(self, options: Options) -> None:
        """Find out whether each loss has a picture that is large enough to compare with."""
        self.size(options)
        if options.layers.content and self._photo is None:
            raise OptionError(
                "There is no photo here for the content to be compared with. Give one, or set the "
                "content weight to 0."
            )
        if options.layers.style:
            self.painting_size(options)

    def read(self, options: Options) -> None:
        """Read the pictures in the sizes in which they are looked at."""
        self._canvas_at(options)
        if options.layers.style:
            self._painting_at(options)

    def bytes_read(self, options: Options) -> int:
        """Return how much memory the picture takes whose reading takes most."""
        found = [self._canvas.bytes_read(self.size(options))]
        if options.layers.style and self._painting:
            found.append(self._painting.bytes_read(self.painting_size(options)))
        return max(found)

    def size(self, options: Options) -> Size:
        """Return the width and height of the result."""
        folder, layers = self._folder, options.layers
        graphs = [folder.gradient_graph(layers)]
        if layers.content:
            graphs.append(folder.targets_graph(LayerSet(content=layers.content)))
        least = self._least_side(*graphs)
        if isinstance(options.size, tuple):
            check_sides(options.size, "The size is", USE_LARGER, least)
            return options.size
        return scaled_size(self._canvas.size, options.size, options.side, USE_LARGER, least)

    def field(self, options: Options) -> Size:
        """Return height and width of what is computed: the result with its margin."""
        width, height = self.size(options)
        return height + 2 * options.margin, width + 2 * options.margin

    def painting_size(self, options: Options) -> Size:
        """Return the width and height in which the painting's style is matched."""
        if self._painting is None:
            raise OptionError(
                "There is no painting here for the style to be compared with. Give one, or set the "
                "style weight to 0."
            )
        sides = options.size if isinstance(options.size, tuple) else (options.size,)
        measured = max(sides) if options.side == "long" else min(sides)
        pixels = options.painting_size or measured
        least = self._least_side(self._folder.targets_graph(LayerSet(style=options.layers.style)))
        hint = "Use a larger --painting-size (or --size)."
        return scaled_size(self._painting.size, pixels, options.side, hint, least)

    def content_look(self, options: Options) -> Look:
        """Return what decides on the pixels of `canvas`."""
        matched = self.painting_size(options) if self._matches(options) else None
        return options.size, options.side, options.margin, matched

    def style_look(self, options: Options) -> Look:
        """Return what decides on the pixels of `painting`."""
        return self.painting_size(options)

    def canvas(self, options: Options) -> Array:
        """Return what the result is painted over, in the colours that are wanted, with its margin.

        That is the photo, or for a texture the painting.
        """
        whole, inside = room_for(self.size(options), options.margin)
        self._paint(inside, options)
        mirror(whole, options.margin)
        return whole

    def _paint(self, place: Array, options: Options) -> None:
        """Write the canvas, without a margin, into an array; large ones leave no room for two."""
        # First, so that there are never two large arrays.
        matched = moments(self.painting(options)) if self._matches(options) else None
        seen = self._canvas_at(options)
        fill(place, seen.colours)
        if matched:
            match_colours(place, matched, seen.alpha)

    def alpha(self, options: Options) -> Image.Image | None:
        """Return how much is seen of the canvas, without a margin; None if all of it is."""
        return self._canvas_at(options).alpha

    def painting(self, options: Options) -> Array:
        """Return the painting in the size in which its style is matched."""
        return to_array(self._painting_at(options).colours)

    def start(self, options: Options) -> Array:
        """Return the image that a scale starts from, with its margin.

        A picture of other proportions is cut, not distorted.
        """
        height, width = self.field(options)
        if options.init == "noise":
            return white_noise((width, height), options.seed)
        if options.init == "grey":
            preprocessing = self._folder.manifest.preprocessing
            return faint_noise((width, height), options.seed, preprocessing)
        picture = self.start_picture(options.init)
        assert picture
        if picture is self._canvas:
            return self.canvas(options)
        seen = self._seen(picture, self.size(options), cut=True)
        whole, inside = room_for(self.size(options), options.margin)
        fill(inside, seen.colours)
        mirror(whole, options.margin)
        return whole

    def refined(self, pixels: Array, coarse: Options, fine: Options) -> Array:
        """Return the image to begin a scale with, given the result of a coarser one.

        If it all began with the photo, what the coarser scale could not show of it comes along.
        Otherwise the losses would have to bring that back from a blur.
        """
        whole, inside = room_for(self.size(fine), fine.margin)
        if fine.init == "photo":
            self._paint(inside, fine)
            pixels = pixels - self.canvas(replace(coarse, margin=0))
        add_enlarged(inside, pixels)
        mirror(whole, fine.margin)
        return whole

    def start_picture(self, init: str) -> Picture | None:
        """Return the picture to start from; None for noise and grey."""
        if init in ("noise", "grey"):
            return None
        if init in ("photo", "painting"):
            picture = self._photo if init == "photo" else self._painting
            if picture is None:
                raise OptionError(
                    f"There is no {init} here to start from. Choose noise, grey, or a file."
                )
            return picture
        return open_picture(start_file(init), alpha=True)

    @property
    def _canvas(self) -> Picture:
        """The picture whose proportions count: the photo, or for a texture the painting."""
        canvas = self._photo or self._painting
        assert canvas
        return canvas

    def _canvas_at(self, options: Options) -> Seen:
        """Return the canvas in the size of the result."""
        return self._seen(self._canvas, self.size(options), isinstance(options.size, tuple))

    def _painting_at(self, options: Options) -> Seen:
        """Return the painting in the size in which its style is matched."""
        size = self.painting_size(options)
        assert self._painting
        return self._seen(self._painting, size)

    def _matches(self, options: Options) -> bool:
        """Tell whether the photo takes on the painting's colours before anything else."""
        wanted = options.colors == "painting-matched" and bool(options.layers.style)
        return wanted and self._photo is not None and self._painting is not None

    def _seen(self, picture: Picture, size: Size, cut: bool = False) -> Seen:
        """Return a picture in a size, remembering the last few; `cut` keeps its proportions."""
        key = picture, size, cut
        if key not in self._recent:
            found = picture.seen(size, cut)
            self._recent = dict([*self._recent.items(), (key, found)][-RECENT:])
        return self._recent[key]

    def _least_side(self, *graphs: GraphFile) -> int:
        """Return how many pixels a side must have for all layers of the graphs to respond."""
        return max(MIN_SIDE, *(self._folder.least_side(graph.layers) for graph in graphs))
