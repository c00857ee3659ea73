"""torchvision's own download of its weights, into torch's cache."""

from pathlib import Path

from stylize.installation import install_command
from stylize.models.errors import ExtraError, WeightsError


def download_vgg19() -> Path:
    """Return torchvision's ImageNet weights of VGG-19, downloaded to torch's cache if need be.

    Raises
    ------
    ExtraError
        torchvision is not installed.
    WeightsError
        The download failed.
    """
    try:
        from torch import hub
        from torchvision.models import VGG19_Weights
    except ImportError as error:
        raise ExtraError(
            "torchvision's weights need torch and torchvision, which are not installed. "
            f"Install the extra: {install_command('torch')}"
        ) from error
    url = VGG19_Weights.IMAGENET1K_V1.url
    file = Path(url).name
    path = Path(hub.get_dir(), "checkpoints", file)
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beginning = path.stem.partition("-")[2]  # of its sha256, after torch's custom
        hub.download_url_to_file(url, str(path), hash_prefix=beginning)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"torchvision could not get {url}: {error}. Download that file yourself and "
            "pass its path to --weights."
        ) from error
    return path
