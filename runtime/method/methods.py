"""The three things that the paper shows: a style transfer, a content and a style reconstruction."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from stylize.runtime.method.iteration import Iterate
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import RECONSTRUCTION, TEXTURE, Options
from stylize.runtime.method.regions import Region
from stylize.runtime.method.scene import Scene
from stylize.runtime.pictures.reading import PictureLike

if TYPE_CHECKING:
    from stylize.runtime.method.paintings import PaintingsLike


def transfer(
    model: Model,
    photo: PictureLike,
    painting: "PaintingsLike | None" = None,
    options: Options = Options(),
    regions: Sequence[Region[PictureLike]] = (),
) -> Iterator[Iterate]:
    """Render a photo in the manner of a painting (Figures 2 and 3 of the paper).

    Parameters
    ----------
    model : Model
        The model that extracts the features.
    photo, painting : PIL image, path, bytes, binary file or array
        Pictures of any size; both are scaled to ``options.size``. There may be several paintings in
        a list, each of them maybe a `Painting`, which tells its share.
    options : Options
        Settings; by default the paper's layers, and a start from the photo.
    regions : sequence of Region
        Parts of the photo that take the style of other paintings. The rest takes that of
        `painting`, or follows the photo if there is none.

    Returns
    -------
    iterator of Iterate
        See ``Scene.render``, also for the errors raised.
    """
    return Scene(model, photo, painting, regions).render(options)


def reconstruct(
    model: Model, photo: PictureLike, options: Options = RECONSTRUCTION
) -> Iterator[Iterate]:
    """Find a picture with a photo's responses at a layer (Figure 1, lower row; eq. 1 and 2).

    Parameters
    ----------
    model : Model
        The model that extracts the features.
    photo : PIL image, path, bytes, binary file or array
        The picture whose content is matched; it is scaled to ``options.size``.
    options : Options
        Settings, best made of the default, which starts from white noise and looks at conv4_2:
        ``replace(RECONSTRUCTION, content_layers=("conv1_1",))``. The style weight is not used.

    Returns
    -------
    iterator of Iterate
        See ``Scene.render``.
    """
    return Scene(model, photo).render(replace(options, style_weight=0.0))


def texture(
    model: Model, painting: "PaintingsLike", options: Options = TEXTURE
) -> Iterator[Iterate]:
    """Make a texture in a painting's style (Figure 1, upper row; eq. 4 to 6).

    Parameters
    ----------
    model : Model
        The model that extracts the features.
    painting : PIL image, path, bytes, binary file or array
        The picture whose style is matched, or several in a list, as in `transfer`; it is scaled to
        ``options.painting_size``, or else to ``options.size``.
    options : Options
        Settings, best made of the default, which starts from white noise:
        ``replace(TEXTURE, size=(640, 480))``. ``size`` may be any width and height. The content
        weight is not used.

    Returns
    -------
    iterator of Iterate
        See ``Scene.render``.
    """
    return Scene(model, painting=painting).render(replace(options, content_weight=0.0))
