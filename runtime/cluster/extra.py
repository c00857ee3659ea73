"""Workers, if the extra that brings Dask is installed."""

from typing import TYPE_CHECKING

from stylize.installation import install_command
from stylize.models.errors import ExtraError

if TYPE_CHECKING:
    from stylize.runtime.cluster.connection import Cluster


def connect(where: str) -> "Cluster":
    """Return workers on this machine or on others; see `Cluster`.

    Raises
    ------
    ExtraError
        Dask is not installed.
    OptionError, ProviderError
        Nobody answers there, or there are no workers.
    """
    try:
        from stylize.runtime.cluster.connection import Cluster
    except ImportError as error:
        raise ExtraError(
            "Sharing a picture among workers needs Dask, which is not installed. Install the "
            f"extra: {install_command('cluster')}"
        ) from error
    return Cluster(where)
