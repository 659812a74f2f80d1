"""What Airflow has to know of the package. In: an address ``fazhi://…`` of an asset. Out: the dataset that lineage names.

Airflow finds ``provider_info`` by the entry point ``apache_airflow_provider`` (pyproject.toml). Without it an asset of ours
has no address in the sense of Airflow, and OpenLineage would leave it out of its events. Nothing is imported at the top:
every process of Airflow reads this.
"""

from typing import Any
from urllib.parse import SplitResult, urlsplit

NAMESPACE = "fazhi"
"""What OpenLineage calls the store of our datasets: their names are the same wherever it lies."""


def provider_info() -> dict[str, Any]:
    """The package as a provider of asset addresses."""
    here = __name__
    return {
        "package-name": "fazhi",
        "name": "fazhi",
        "description": "法治政府建设考评",
        "asset-uris": [
            {
                "schemes": ["fazhi"],
                "handler": f"{here}.checked_uri",
                "to_openlineage_converter": f"{here}.dataset_of",
            }
        ],
    }


def checked_uri(uri: SplitResult) -> SplitResult:
    """The address itself.

    Raises:
        ValueError: It is not ``fazhi://room/name``.
    """
    if not uri.netloc or not uri.path.strip("/") or uri.query or uri.fragment:
        raise ValueError(f"the address of an asset is fazhi://room/name, not {uri.geturl()}")
    return uri


def dataset_of(asset: Any, lineage_context: Any) -> Any:
    """The dataset of OpenLineage for an asset: ``fazhi://assessment/results`` is ``assessment/results``."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    address = urlsplit(asset.uri)
    return Dataset(namespace=NAMESPACE, name=f"{address.netloc}{address.path}")
