"""The GX project's files made from the editions. In: editions, rules. Out: files, always the same.

``python -m fazhi.validate.suites`` writes ``great_expectations/``: one suite per edition with one
``UnexpectedRowsExpectation`` per rule kind, its validation definition and its checkpoint. They are committed;
a test fails when they differ from what this module makes.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from fazhi.settings import Settings
from fazhi.systems import load_editions
from fazhi.systems.edition import Edition
from fazhi.validate.expectations import DATASOURCE, stable_id, suite_document

ASSET = "value"


def project_files(editions: Sequence[Edition]) -> dict[str, str]:
    """Every generated file of the GX project, by its path inside it."""
    files = {
        "great_expectations.yml": _project_yml(),
        ".gitignore": "uncommitted/\n",
    }
    for edition in editions:
        name = f"{edition.system_id}.json"
        files[f"expectations/{name}"] = _json(suite_document(edition))
        files[f"validation_definitions/{name}"] = _json(_validation_definition(edition))
        files[f"checkpoints/{name}"] = _json(_checkpoint(edition))
    return files


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _validation_definition(edition: Edition) -> dict[str, Any]:
    return {
        "data": {
            "asset": {"id": stable_id("asset"), "name": ASSET},
            "batch_definition": {"id": stable_id("batch"), "name": "all"},
            "datasource": {"id": stable_id("datasource"), "name": DATASOURCE},
        },
        "id": stable_id(f"{edition.system_id}/validation_definition"),
        "name": edition.system_id,
        "suite": {"id": stable_id(f"{edition.system_id}/suite"), "name": edition.system_id},
    }


def _checkpoint(edition: Edition) -> dict[str, Any]:
    return {
        "actions": [],
        "id": stable_id(f"{edition.system_id}/checkpoint"),
        "name": edition.system_id,
        "result_format": "BASIC",
        "validation_definitions": [
            {"id": stable_id(f"{edition.system_id}/validation_definition"), "name": edition.system_id}
        ],
    }


def _project_yml() -> str:
    return f"""# Made by `python -m fazhi.validate.suites`; do not edit.
# The store's address comes from the environment: FAZHI_STORE_URL.
config_version: 4.0
plugins_directory: plugins/
config_variables_file_path:
stores:
  expectations_store:
    class_name: ExpectationsStore
    store_backend:
      class_name: TupleFilesystemStoreBackend
      suppress_store_backend_id: true
      base_directory: expectations/
  validation_results_store:
    class_name: ValidationResultsStore
    store_backend:
      class_name: TupleFilesystemStoreBackend
      suppress_store_backend_id: true
      base_directory: uncommitted/validations/
  checkpoint_store:
    class_name: CheckpointStore
    store_backend:
      class_name: TupleFilesystemStoreBackend
      suppress_store_backend_id: true
      base_directory: checkpoints/
  validation_definition_store:
    class_name: ValidationDefinitionStore
    store_backend:
      class_name: TupleFilesystemStoreBackend
      suppress_store_backend_id: true
      base_directory: validation_definitions/
expectations_store_name: expectations_store
validation_results_store_name: validation_results_store
checkpoint_store_name: checkpoint_store
data_docs_sites: {{}}
fluent_datasources:
  {DATASOURCE}:
    type: sql
    id: {stable_id("datasource")}
    connection_string: ${{FAZHI_STORE_URL}}
    assets:
      {ASSET}:
        type: table
        id: {stable_id("asset")}
        table_name: value
        batch_definitions:
          all:
            id: {stable_id("batch")}
            partitioner:
analytics_enabled: false
progress_bars:
  globally: false
data_context_id: {stable_id("context")}
"""


def main() -> int:
    """Write the GX project's files; says which changed."""
    settings = Settings.load()
    files = project_files(load_editions(settings.systems_dir).all)
    for path, text in files.items():
        target = settings.gx_dir / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
