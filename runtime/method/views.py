"""A photo and paintings as they are looked at: in which size, in which colours, how framed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from math import prod

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import ModelError, OptionError, about
from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.models.manifest import BETA2, GraphFile
from stylize.runtime.method.options import Colors, Options
from stylize.runtime.method.paintings import Painting, check_layers, shares
from stylize.runtime.method.parts import Part, open_paintings, open_parts
from stylize.runtime.method.preserved import Preserved
from stylize.runtime.method.regions import Region
from stylize.runtime.method.start import faint_noise, start_file, white_noise
from stylize.runtime.pictures.arrays import add_enlarged, fill, mirror, room_for, to_array
from stylize.runtime.pictures.colour import TO_SRGB, Conversion
from stylize.runtime.pictures.lightness import to_grey
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.masks import covering, within
from stylize.runtime.pictures.matching import (
    ColourMap,
    Moments,
    match_colours,
    mixed,
    moments,
    recolour,
)
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
"""So many scaled pictures are remembered: two for each scale of a picture of 4096 pixels. They are
more by as many as there are paintings."""
HELD = 2**25
"""Pixels of several paintings together that are remembered; larger ones are read anew each time."""

NO_PAINTING = (
    "There is no painting here for the style to be compared with. Give one, or set the style "
    "weight to 0."
)


class Views:
    """The pictures of a scene, each in any size; a file is read when a size is first needed.

    All methods raise ImageError where a picture is too small for the options or cannot be read,
    and OptionError where the options ask for a picture that is not there. None reads a pixel but
    those that return arrays or what is seen.

    Parameters
    ----------
    folder : ModelFolder
        The model that looks at them: its layers need sides of some length.
    photo : PIL image, path, bytes, binary file or array, optional
        The photo, unless there is a painting.
    paintings : sequence of Painting
        The paintings, of which there may be none.
    regions : sequence of Region
        Parts of the photo that have paintings of their own; `paintings` are for the rest.
    conversion : Conversion
        The colour space in which all of them are looked at, and what floats in files mean.

    Attributes
    ----------
    parts : tuple of Part
        The regions; if there are paintings beside these, another part that is the rest. Without
        regions that is all of the picture.
    """

    def __init__(
        self,
        folder: ModelFolder,
        photo: PictureLike | None,
        paintings: Sequence[Painting[PictureLike]],
        regions: Sequence[Region[PictureLike]] = (),
        conversion: Conversion = TO_SRGB,
    ) -> None:
        if photo is None and not (paintings or regions):
            raise OptionError("There is nothing to match: give a photo, a painting, or both.")
        self._folder = folder
        self._conversion = conversion
        self._photo = None if photo is None else open_picture(photo, True, conversion)
        opened = open_paintings(paintings, conversion)
        rest = (Part(None, opened),) if opened else ()
        self.parts = (*open_parts(regions, self._photo, conversion), *rest)
        self._guided = bool(regions)
        self._cropped: dict[tuple[Picture, int | float], Picture] = {}
        self._recent: dict[object, Seen] = {}
        self._matched: dict[Look, Moments] = {}
        self._masks: dict[Look, Array] = {}  # at two scales at most

    @property
    def sources(self) -> tuple[Size | None, tuple[Size, ...]]:
        """Width and height of the photo and of the paintings, upright."""
        paintings = tuple(picture.size for picture in self._pictures)
        return self._photo.size if self._photo else None, paintings

    def regions(self, options: Options) -> int:
        """Return how many parts have losses of style of their own; 0 if all is one."""
        return len(self.parts) if self._guided and options.layers.style else 0

    def check(self, options: Options) -> None:
        """Find out whether each loss has a picture that is large enough to compare with."""
        self.size(options)
        self._check_adam(options)
        if options.layers.content and self._photo is None:
            raise OptionError(
                "There is no photo here for the content to be compared with. Give one, or set the "
                "content weight to 0."
            )
        if options.layers.style:
            for part in self.parts:
                check_layers(part.paintings, options.layers.style)
            self.painting_sizes(options)

    def _check_adam(self, options: Options) -> None:
        told = self._folder.manifest.takes_beta2
        if options.optimizer == "adam" and options.beta2 != BETA2 and not told:
            raise ModelError(
                f"Adam's beta2 is to be {options.beta2:g}, and in this model, of an earlier "
                f"release, it is always {BETA2}. Export the model again."
            )

    def read(self, options: Options) -> None:
        """Read the pictures and masks in the sizes in which they are looked at."""
        self._canvas_at(options)
        for painting in self._shown(options):
            self._painting_at(painting, options)
        if self.regions(options):
            self.masks(options)
            for part in self.parts:
                for picture in part.seen_by(options.layers.style):
                    self.painting_mask(part, picture, options)

    def bytes_read(self, options: Options) -> int:
        """Return how much memory the picture takes whose reading takes most."""
        paintings = self._shown(options)
        found = [each.bytes_read(self._painting_size(each, options)) for each in paintings]
        if self.regions(options):
            over_photo = (part.stencil for part in self.parts if part.stencil)
            found += [stencil.bytes_read(self.size(options)) for stencil in over_photo]
            for part, size in self.painting_sizes_by_part(options):
                found += [each.bytes_read(size) for each in (part.painting_stencil,) if each]
        return max([self._canvas(options).bytes_read(self.size(options)), *found])

    def size(self, options: Options) -> Size:
        """Return the width and height of the result."""
        folder, layers = self._folder, options.layers
        graphs = [folder.gradient_graph(layers)]
        if layers.content:
            graphs.append(folder.targets_graph(LayerSet(content=layers.content)))
        least, source = self._least_side(*graphs), self._canvas(options).size
        with about("size"):
            if not isinstance(options.size, tuple):
                return scaled_size(source, options.size, options.side, USE_LARGER, least)
            check_sides(options.size, "The size is", USE_LARGER, least)
            return options.size

    def field(self, options: Options) -> Size:
        """Return height and width of what is computed: the result with its margin."""
        width, height = self.size(options)
        return height + 2 * options.margin, width + 2 * options.margin

    def painting_sizes(self, options: Options) -> list[Size]:
        """Return the widths and heights in which the paintings are seen, each once."""
        if not self.parts:
            raise OptionError(NO_PAINTING)
        return list(dict.fromkeys(size for _, size in self.painting_sizes_by_part(options)))

    def painting_sizes_by_part(self, options: Options) -> Iterator[tuple[Part, Size]]:
        """Yield each part with the width and height of each of its paintings."""
        for part in self.parts:
            for picture in part.seen_by(options.layers.style):
                shown = self._without_edges(picture, options)
                yield part, self._painting_size(shown, options)

    def _painting_size(self, painting: Picture, options: Options) -> Size:
        sides = options.size if isinstance(options.size, tuple) else (options.size,)
        measured = max(sides) if options.side == "long" else min(sides)
        pixels = options.painting_size or measured
        least = self._least_side(self._folder.targets_graph(LayerSet(style=options.layers.style)))
        hint = "Use a larger --painting-size (or --size)."
        with about("painting_size" if options.painting_size else "size"):
            return scaled_size(painting.size, pixels, options.side, hint, least)

    def content_look(self, options: Options) -> Look:
        """Return what decides on the pixels of `canvas`."""
        matched = self._colours(options) == "painting-matched"
        like = self._palette_look(options) if matched else None
        return self._photo_look(options), options.margin, like

    def style_look(self, options: Options) -> Look:
        """Return what decides on the pixels of every `painting`."""
        matched = self._colours(options) in ("photo", "photo-matched")
        like = self._photo_look(options) if matched else None
        return *self.painting_sizes(options), options.crop_painting, like

    def masks(self, options: Options) -> Array:
        """Return how much of each pixel of the result belongs to each part, without a margin.

        It is not to be changed.

        Returns
        -------
        float32 array, shape (parts, height, width)
            In 0...1; together 1 at most.
        """
        look = options.size, options.side
        if look not in self._masks:
            found = self._covering(options)
            if found.size > HELD:
                return found
            self._masks = dict([*self._masks.items(), (look, found)][-2:])
        return self._masks[look]

    def shares(self, options: Options) -> tuple[float, ...]:
        """Return how much of the result belongs to each part, in 0...1."""
        return tuple(map(float, self.masks(options).mean(axis=(1, 2), dtype=np.float64)))

    def _covering(self, options: Options) -> Array:
        canvas, size = self._canvas(options), self.size(options)
        cut = isinstance(options.size, tuple)
        found = covering([p.stencil.over(canvas, size, cut) for p in self.parts if p.stencil])
        if all(part.stencil for part in self.parts):
            return found
        return np.concatenate([found, (1 - found.sum(axis=0, keepdims=True)).clip(0)])

    def painting_mask(self, part: Part, picture: Picture, options: Options) -> Array | None:
        """Return how much of each pixel of a painting counts, (height, width); None: all of all."""
        if part.painting_stencil is None:
            return None
        shown = self._without_edges(picture, options)
        return part.painting_stencil.over(shown, self._painting_size(shown, options))

    def _counting(self, part: Part, picture: Picture, options: Options) -> Image.Image | None:
        """Return the same as an 8-bit grey picture."""
        mask = self.painting_mask(part, picture, options)
        return None if mask is None else within(mask)

    def canvas(self, options: Options) -> Array:
        """Return what the result is painted over, in the colours that are wanted, with its margin.

        That is the photo, or for a texture the first painting.
        """
        whole, inside = room_for(self.size(options), options.margin)
        self._paint(inside, options)
        mirror(whole, options.margin)
        return whole

    def _paint(self, place: Array, options: Options) -> None:
        """Write the canvas, without a margin, into an array; large ones leave no room for two."""
        seen, colours = self._canvas_at(options), self._colours(options)
        # First, so that there are never two large arrays.
        matched = colours == "painting-matched"
        others = [self._of_paintings(part, options) for part in self.parts] if matched else []
        fill(place, seen.colours)
        if matched and not self._guided:
            match_colours(place, others[0], seen.alpha)
        elif matched:
            masks = self.masks(options)
            own = (moments(place, within(mask, seen.alpha)) for mask in masks)
            recolour(place, [*map(ColourMap, own, others)], masks)
        elif colours == "photo":
            to_grey(place)

    def preserved(self, options: Options) -> Preserved:
        """Return what the result has of the canvas whatever is painted, without a margin."""
        seen = self._canvas_at(options)
        colours = seen.colours if self._colours(options) == "photo" else None
        return Preserved(seen.alpha, colours, self._conversion.space)

    def painting(self, part: Part, picture: Picture, options: Options) -> Array:
        """Return a painting in the size and the colours in which its style is matched."""
        colours = self._colours(options)
        matched = self._of_photo(part, options) if colours in ("photo", "photo-matched") else None
        shown = self._painting_at(self._without_edges(picture, options), options)
        pixels = to_array(shown.colours)
        if colours == "photo":
            to_grey(pixels)
        if matched:
            match_colours(pixels, matched, self._counting(part, picture, options))
        return pixels

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
        picture = self.start_picture(options)
        assert picture
        if picture is self._canvas(options):
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

    def start_picture(self, options: Options) -> Picture | None:
        """Return the picture to start from, of the paintings the first; None for noise and grey."""
        init = options.init
        if init in ("noise", "grey"):
            return None
        if init in ("photo", "painting"):
            picture = self._photo if init == "photo" else self._first(options)
            if picture is None:
                raise OptionError(
                    f"There is no {init} here to start from. Choose noise, grey, or a file."
                )
            return picture
        return open_picture(start_file(init), True, self._conversion)

    def _first(self, options: Options) -> Picture | None:
        """Return the first painting without its edges; that of the rest, if there is one."""
        if not self.parts:
            return None
        rest = self.parts[-1] if self.parts[-1].stencil is None else self.parts[0]
        return self._without_edges(rest.paintings[0].picture, options)

    def _canvas(self, options: Options) -> Picture:
        """Return the picture whose proportions count: the photo, or for a texture a painting."""
        canvas = self._photo or self._first(options)
        assert canvas
        return canvas

    def _canvas_at(self, options: Options) -> Seen:
        """Return the canvas in the size of the result."""
        cut = isinstance(options.size, tuple)
        return self._seen(self._canvas(options), self.size(options), cut)

    def _painting_at(self, painting: Picture, options: Options) -> Seen:
        """Return a painting in the size in which its style is matched."""
        size = self._painting_size(painting, options)
        several = len(self._pictures)
        if several > 1 and several * prod(size) > HELD:
            return painting.seen(size)
        return self._seen(painting, size)

    def _shown(self, options: Options) -> list[Picture]:
        """Return the paintings that a layer sees, without their edges."""
        layers = options.layers.style
        seen = (picture for part in self.parts for picture in part.seen_by(layers))
        return [self._without_edges(picture, options) for picture in seen]

    @property
    def _pictures(self) -> list[Picture]:
        """All paintings."""
        return [each.picture for part in self.parts for each in part.paintings]

    def _without_edges(self, painting: Picture, options: Options) -> Picture:
        """Return a painting without its edges, each time the same."""
        key = painting, options.crop_painting
        if key not in self._cropped:
            self._cropped[key] = painting.cropped(options.crop_painting)
        return self._cropped[key]

    def _colours(self, options: Options) -> Colors:
        """Return whose colours are wanted, where there are those of a photo and of a painting."""
        both = self._photo is not None and bool(self.parts) and bool(options.layers.style)
        return options.colors if both else "painting"

    def _of_photo(self, part: Part, options: Options) -> Moments:
        """Return the moments of the colours of a part of the photo; of its greys, if only these are
        painted.
        """
        look = part, *self._photo_look(options)
        if look not in self._matched:
            seen = self._canvas_at(options)
            pixels = to_array(seen.colours)
            if self._colours(options) == "photo":
                to_grey(pixels)
            alpha = seen.alpha
            if self._guided:
                alpha = within(self.masks(options)[self.parts.index(part)], alpha)
            self._matched[look] = moments(pixels, alpha)
        return self._matched[look]

    def _of_paintings(self, part: Part, options: Options) -> Moments:
        """Return the moments of the colours of all paintings of a part that give theirs."""
        look = part, *self._palette_look(options)
        if look not in self._matched:
            found = []
            for picture, share in self._palette(part, options):
                alpha = self._counting(part, picture, options)
                found.append((moments(self.painting(part, picture, options), alpha), share))
            self._matched[look] = mixed(found)
        return self._matched[look]

    def _photo_look(self, options: Options) -> Look:
        """Return what decides on the colours of the photo, before any are matched."""
        return options.size, options.side, self._colours(options)

    def _palette_look(self, options: Options) -> Look:
        """Return what decides on the colours of the paintings that give theirs."""
        palettes = (self._palette(part, options) for part in self.parts)
        return *chain.from_iterable(palettes), self.style_look(options)

    def _palette(self, part: Part, options: Options) -> list[tuple[Picture, float]]:
        """Return the paintings that give their colours: those that the lowest style layer sees."""
        order = [layer.name for layer in self._folder.manifest.layers]
        return shares(part.paintings, min(options.layers.style, key=order.index))

    def _seen(self, picture: Picture, size: Size, cut: bool = False) -> Seen:
        """Return a picture in a size, remembering the last few; `cut` keeps its proportions."""
        key = picture, size, cut
        if key not in self._recent:
            found = picture.seen(size, cut)
            most = RECENT * max(1, len(self._pictures))
            self._recent = dict([*self._recent.items(), (key, found)][-most:])
        return self._recent[key]

    def _least_side(self, *graphs: GraphFile) -> int:
        """Return how many pixels a side must have for all layers of the graphs to respond."""
        return max(MIN_SIDE, *(self._folder.least_side(graph.layers) for graph in graphs))
