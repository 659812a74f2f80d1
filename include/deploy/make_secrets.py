"""The secrets of a compose stack. In: a folder. Out: one file per secret, fresh random ones, none overwritten.

``python include/deploy/make_secrets.py [FOLDER]`` (``make secrets``). The folder is for its owner alone; the files are
readable by all because the engine mounts them as they are and services run under ids of their own. ``portal_token`` and
``platform_secret`` are given by those who run the portal and the platform: put them in place of the generated ones.
"""

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

_REDIS_CONF = """bind 0.0.0.0
protected-mode yes
requirepass {password}
dir /data
appendonly yes
appendfsync everysec
maxmemory 256mb
maxmemory-policy noeviction
"""


def _fresh() -> Mapping[str, str]:
    """Every secret by its file's name."""
    word = {
        name: secrets.token_urlsafe(32)
        for name in ("postgres", "airflow", "results", "owner", "store", "reader", "redis", "administrator")
    }
    postgres = "postgresql+psycopg2://{user}:{password}@postgres:5432/{database}"
    store = "postgresql+psycopg://{user}:{password}@postgres:5432/fazhi"
    return {
        "postgres_password": word["postgres"],
        "airflow_database_password": word["airflow"],
        "airflow_database_url": postgres.format(user="airflow", password=word["airflow"], database="airflow"),
        "airflow_fernet_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "airflow_jwt_secret": secrets.token_urlsafe(64),
        "airflow_api_secret_key": secrets.token_urlsafe(64),
        "administrator_password": secrets.token_urlsafe(18),
        "celery_broker_url": f"redis://:{word['redis']}@redis:6379/0",
        "celery_result_password": word["results"],
        "celery_result_backend": "db+"
        + postgres.format(user="celery_results", password=word["results"], database="celery_results"),
        "redis_conf": _REDIS_CONF.format(password=word["redis"]),
        "fazhi_owner_password": word["owner"],
        "fazhi_owner_url": store.format(user="fazhi_owner", password=word["owner"]),
        "fazhi_store_password": word["store"],
        "fazhi_store_url": store.format(user="fazhi", password=word["store"]),
        "fazhi_reader_password": word["reader"],
        "portal_token": secrets.token_urlsafe(32),
        "platform_secret": secrets.token_urlsafe(32),
    }


def main(folder: Path) -> int:
    """Write all of them, or none where any is there already: passwords and addresses belong together."""
    fresh = _fresh()
    there = [name for name in fresh if (folder / name).exists()]
    if there:
        missing = sorted(set(fresh) - set(there))
        print(
            f"{folder}: already made, nothing changed"
            + (f"; missing: {', '.join(missing)}" if missing else "")
        )
        return 1 if missing else 0
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, content in fresh.items():
        path = folder / name
        path.write_text(content, encoding="ascii")
        path.chmod(0o444)
    print(
        f"{folder}: {len(fresh)} secrets written; the administrator's password is in {folder / 'administrator_password'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "secrets")))
