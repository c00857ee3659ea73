"""Every provider in every precision, for tests to be parametrised with."""

from functools import cache

import pytest

from stylize.models.errors import ProviderError
from stylize.runtime.engine.choice import find_provider, try_provider
from stylize.runtime.providers.table import PROVIDERS, Precision, Provider

MODES = [
    pytest.param(
        (name, precision),
        id=f"{name}-{precision}",
        marks=[pytest.mark.cuda] if known.memory == "cuda" else [],
    )
    for name, known in PROVIDERS.items()
    for precision in known.modes
]


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
