"""The DAGs and plugins as Airflow sees them, in the tests' process. Importing this makes a home for it."""

import os
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from fazhi.settings import PROJECT_ROOT

_HOME = Path(tempfile.gettempdir()) / f"fazhi-airflow-home-{os.getuid()}"
os.environ.setdefault("AIRFLOW_HOME", str(_HOME))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(PROJECT_ROOT / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(PROJECT_ROOT / "plugins")
for folder in ("plugins", "dags"):
    if str(PROJECT_ROOT / folder) not in sys.path:
        sys.path.append(str(PROJECT_ROOT / folder))


def plugin_module(name: str) -> ModuleType:
    """A module of the plugins folder."""
    return import_module(name)


@cache
def dag_bag() -> Any:
    """All DAGs of the project, parsed without a database."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(PROJECT_ROOT / "dags")


def load_dag(dag_id: str = "assessment") -> Any:
    """One DAG."""
    bag = dag_bag()
    assert bag.import_errors == {}
    return bag.dags[dag_id]


@cache
def serialized_dag(dag_id: str = "assessment") -> Any:
    """One DAG as scheduler and API server have it: written to the database and read back."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(load_dag(dag_id)))
