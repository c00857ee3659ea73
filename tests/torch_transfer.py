"""The whole method in a page of torch: an independent peer of `stylize.runtime.transfer`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch_vgg import TorchVgg, bgr

from stylize.export.network.architecture import Network
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.arrays import to_array
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.sizes import scale_to


def torch_losses(
    network: Network,
    arrays: Mapping[str, np.ndarray],
    photo: Path,
    painting: Path,
    options: Options,
) -> list[float]:
    """Total loss at each evaluation of torch.optim.LBFGS on Caffe's VGG-19, from the photo."""
    vgg = TorchVgg(network, arrays, torch.float32)

    def features(image: torch.Tensor) -> dict[str, torch.Tensor]:
        return vgg(bgr(image), last=options.style_layers[-1])

    def gram(response: torch.Tensor) -> torch.Tensor:
        rows = response.flatten(2)[0]
        return rows @ rows.T / rows.shape[1]

    image = torch.from_numpy(to_array(scale_to(load_image(photo), options.size)))
    with torch.no_grad():
        content = features(image)
        style = features(torch.from_numpy(to_array(scale_to(load_image(painting), options.size))))
    image = image.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], history_size=10)
    totals: list[float] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        found = features(image)
        content_loss = sum(
            ((found[name] - content[name]) ** 2).sum() / 2 for name in options.content_layers
        )
        style_loss = sum(
            ((gram(found[name]) - gram(style[name])) ** 2).sum() / (4 * found[name].shape[1] ** 2)
            for name in options.style_layers
        )
        share = options.style_weight / len(options.style_layers)
        total = options.content_weight * content_loss + share * style_loss
        total.backward()
        totals.append(float(total.detach()))
        return total

    while len(totals) < options.iterations:
        optimizer.step(closure)
    return totals[: options.iterations]
