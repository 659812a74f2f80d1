"""The page of a DAG for the documentation. In: the parsed DAG. Out: Markdown; a test fails when it is stale.

``python -m fazhi.services.dag_page`` writes ``docs/dags/<dag id>.md`` for each DAG of the project.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from fazhi.settings import PROJECT_ROOT


def dag_page(dag: Any) -> str:
    """What the DAG says of itself: its text, its steps in order, its parameters."""
    lines = [
        f"# {dag.dag_display_name}(`{dag.dag_id}`)",
        "",
        "<!-- 由 python -m fazhi.services.dag_page 从 dags/ 生成，请勿手改 -->",
        "",
        (dag.doc_md or "").strip(),
        "",
        "## 步骤",
        "",
        "| 步骤 | 任务 | 之前的步骤 | 资源池 | 说明 |",
        "| --- | --- | --- | --- | --- |",
        *(_step(dag, task) for task in dag.topological_sort()),
        "",
        "## 参数的取值",
        "",
        "| 参数 | 默认 | 可取 | 说明 |",
        "| --- | --- | --- | --- |",
        *(_param(name, dag.params.get_param(name)) for name in dag.params),
    ]
    return "\n".join(lines) + "\n"


def write_dag_pages(docs: Path = PROJECT_ROOT / "docs") -> list[Path]:
    """Write the pages of all DAGs; their paths.

    Raises:
        RuntimeError: A DAG file does not parse.
    """
    written = []
    for dag in _parsed():
        page = docs / "dags" / f"{dag.dag_id}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(dag_page(dag), encoding="utf-8")
        written.append(page)
    return written


def _step(dag: Any, task: Any) -> str:
    before = "、".join(sorted(dag.get_task(name).task_display_name for name in task.upstream_task_ids))
    mapped = "（逐个展开）" if task.is_mapped else ""
    pool = "" if task.pool == "default_pool" else f"`{task.pool}`"
    return f"| {task.task_display_name}{mapped} | `{task.task_id}` | {before} | {pool} | {task.doc_md} |"


def _param(name: str, param: Any) -> str:
    choices = "、".join(f"`{choice}`" for choice in param.schema.get("enum", ())) or "文字，可不填"
    default = "" if param.value is None else f"`{param.value}`"
    return f"| `{name}` | {default} | {choices} | {param.schema.get('title', '')}。{param.description} |"


def _parsed() -> list[Any]:
    """The project's DAGs. Airflow reads its settings when it is first imported, hence the order."""
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="fazhi-dag-page-"))
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(PROJECT_ROOT / "plugins")
    sys.path[:0] = [str(PROJECT_ROOT / "plugins")]
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(PROJECT_ROOT / "dags")
    if bag.import_errors:
        raise RuntimeError(f"the DAG files do not parse: {bag.import_errors}")
    return [bag.dags[dag_id] for dag_id in sorted(bag.dags)]


if __name__ == "__main__":
    for path in write_dag_pages():
        print(path)
