"""Every provider in every precision, for tests to be parametrised with."""

from functools import cache

import pytest

from stylize.models.errors import ProviderError
from stylize.runtime.engine.choice import find_provider, in_software, try_provider
from stylize.runtime.providers.table import PROVIDERS, Precision, Provider

MODES = [
    pytest.param(
        (name, precision),
        id=f"{name}-{precision}",
        marks=[] if known.memory == "cpu" else [getattr(pytest.mark, known.memory)],
    )
    for name, known in PROVIDERS.items()
    for precision in known.modes
]


QUICK_PIXELS = 64 * 48
"""As large as an image may be where a driver computes on the CPU what is meant for a GPU."""


def skip_if_slow(provider: Provider, size: int | tuple[int, int], deep: bool = False) -> None:
    """Skip what would take minutes: a large image, or VGG-19, on a driver in software.

    `size` is the long side of a picture of 4:3, or its width and height.
    """
    width, height = (size, size * 3 // 4) if isinstance(size, int) else size
    if (deep or width * height > QUICK_PIXELS) and in_software(provider):
        pytest.skip(f"{provider.name} computes in software, which would take minutes")


def provider_or_skip(name: str, precision: Precision) -> Provider:
    found = _provider_or_reason(name, precision)
    if isinstance(found, str):
        pytest.skip(f"{name} in {precision}: {found}")
    return found


@cache
def _provider_or_reason(name: str, precision: Precision) -> Provider | str:
    """Return the provider, or why it cannot be had, which takes long to find out."""
    try:
        provider = find_provider(name, precision)
        if not provider.tested:
            try_provider(provider)
    except ProviderError as error:
        return str(error)
    return provider
