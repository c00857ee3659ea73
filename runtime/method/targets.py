"""What images are compared with: responses to the photo, moments of paintings."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from stylize.models.layers import LayerSet
from stylize.runtime.method.guidance import guidance
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.method.parts import Part
from stylize.runtime.method.views import Look, Views
from stylize.runtime.pictures.reading import Picture
from stylize.runtime.streaming.plan import Plan

Array = npt.NDArray[np.float32]
Planned = Callable[[tuple[int, int], bool], Plan]
"""How a painting of a height and width is looked at, and whether only a part of it counts."""


class Targets:
    """The targets of a scene's pictures, each computed once.

    Parameters
    ----------
    model : Model
        The model that extracts the features.
    views : Views
        The pictures as they are looked at.
    """

    def __init__(self, model: Model, views: Views) -> None:
        self._model = model
        self._views = views
        self._known: dict[tuple[str, Look], Array] = {}

    def content(self, options: Options) -> dict[str, Array]:
        """Return ``content_target.L`` of the photo as a whole."""

        def find(missing: tuple[str, ...]) -> dict[str, Array]:
            return self._model.targets(self._views.canvas(options), LayerSet(content=missing))

        look = self._views.content_look(options)
        names = {layer: f"content_target.{layer}" for layer in options.layers.content}
        return self._found(names, look, find)

    def style(self, part: Part, options: Options, plan: Planned) -> dict[str, Array]:
        """Return ``style_target.L`` of a part's paintings."""

        def find(missing: tuple[str, ...]) -> dict[str, Array]:
            """Blend the paintings, of which one at a time is in memory."""
            blended: dict[str, Array] = {}
            for picture, shares in part.seen_by(missing).items():
                found = self._of_painting(part, picture, options, tuple(shares), plan)
                for layer, share in shares.items():
                    name = f"style_target.{layer}"
                    added = np.float32(share) * found[name]
                    blended[name] = blended[name] + added if name in blended else added
            return blended

        # Some statistics need them more exactly than others.
        look = part, *self._views.style_look(options), options.style_statistics
        names = {layer: f"style_target.{layer}" for layer in options.layers.style}
        return self._found(names, look, find)

    def guided(self, of_parts: Sequence[dict[str, Array]], options: Options) -> dict[str, Array]:
        """Return ``style_target.L`` of all parts in one array, and ``guidance.L``."""
        stacked = {name: np.stack([each[name] for each in of_parts]) for name in of_parts[0]}
        layers, masks = self._model.folder.manifest.layers, self._views.masks(options)
        return stacked | guidance(masks, layers, options.layers.style, options.margin)

    def _of_painting(
        self,
        part: Part,
        picture: Picture,
        options: Options,
        layers: tuple[str, ...],
        plan: Planned,
    ) -> dict[str, Array]:
        """Return F Fᵀ / M of one painting, for those layers at least."""
        painting = self._views.painting(part, picture, options)
        mask = self._views.painting_mask(part, picture, options)
        planned = plan(painting.shape[2:], mask is not None)
        if planned.tile is None:
            return self._model.targets(painting, LayerSet((), layers, options.style_statistics))
        weights = None
        if mask is not None:
            known, wanted = self._model.folder.manifest.layers, options.layers.style
            weights = guidance(mask[None], known, wanted)
        return self._model.style_targets(painting, options.layers, planned, weights)

    def _found(
        self,
        names: dict[str, str],
        look: Look,
        find: Callable[[tuple[str, ...]], dict[str, Array]],
    ) -> dict[str, Array]:
        """Return the targets in one look, by names for layers; find those that are not known."""
        missing = tuple(layer for layer in names if (names[layer], look) not in self._known)
        if missing:
            self._known |= {(name, look): target for name, target in find(missing).items()}
        return {name: self._known[name, look] for name in names.values()}
