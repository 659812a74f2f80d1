"""Backup and restore. In: a store with its raw files and the ground, or a backup. Out: a folder that proves itself, or all of it again.

A backup is ``store.db`` or ``store.dump``, the raw files under their digests, the ground's files, where it is known
Airflow's metadata (``airflow.db`` or ``airflow.dump``), and ``backup.json``: when, which schema, the head of the audit
chain, the SHA-256 of each dump and of each file of the ground, how many raw files. The database is dumped first: every
raw file that its rows name was there before them. What is restored is compared with what was backed up.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, make_url, select
from sqlalchemy.engine import URL

from fazhi.audit.chain import GENESIS
from fazhi.audit.heads import Head
from fazhi.audit.verify import verify
from fazhi.model.errors import ConfigurationError, SystemFault
from fazhi.store import connect, read
from fazhi.store.raw import RawStore
from fazhi.store.tables import audit, raw_file

MANIFEST = "backup.json"
RAW = "raw"
GROUND = "ground"
_RUNS_LEAVE_BEHIND = "uncommitted"


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself.

    ``audit_seq`` and ``audit_digest`` are the head of the audit chain; ``ground`` has the SHA-256 of each file of the
    ground by its path, empty in backups of before 0.2.0; ``metadata`` is the dump of Airflow's metadata, if there is one.
    """

    made_at: str
    schema: str
    database: str
    dump: str
    dump_sha256: str
    audit_seq: int
    audit_digest: str
    raw_files: int
    ground: dict[str, str] = field(default_factory=dict)
    metadata: str = ""
    metadata_sha256: str = ""


def back_up(
    engine: Engine,
    raw: RawStore,
    out: Path,
    *,
    now: datetime,
    ground: Mapping[str, Path] | None = None,
    metadata_url: str = "",
) -> Backup:
    """Write a backup into a folder that does not exist yet; it appears whole or not at all.

    Args:
        engine: The store, for PostgreSQL as a role that may read every table.
        raw: Its raw files.
        out: The new folder.
        now: The present moment, with its offset.
        ground: The folders of the ground by their names (``Settings.ground_dirs``).
        metadata_url: Airflow's metadata database; empty where it is not known.

    Raises:
        ConfigurationError: The folder exists, ``pg_dump`` or a folder of the ground is missing.
        SystemFault: The dump failed, or a raw file that a row names is missing or damaged.
    """
    if out.exists():
        raise ConfigurationError(f"{out} 已经存在，备份不覆盖任何东西；请换一个文件夹")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    name = "store.db" if engine.dialect.name == "sqlite" else "store.dump"
    seq, digest = _head(engine)
    _dump(engine, part / name)
    copied = _copy_raw(_dumped_names(engine), raw, part / RAW)
    metadata = _dump_metadata(metadata_url, part) if metadata_url else ""
    backup = Backup(
        made_at=now.isoformat(timespec="seconds"),
        schema=_schema(engine),
        database=engine.dialect.name,
        dump=name,
        dump_sha256=_file_digest(part / name),
        audit_seq=seq,
        audit_digest=digest,
        raw_files=copied,
        ground=_copy_ground(ground or {}, part / GROUND),
        metadata=metadata,
        metadata_sha256=_file_digest(part / metadata) if metadata else "",
    )
    (part / MANIFEST).write_text(json.dumps(asdict(backup), indent=2) + "\n", encoding="utf-8")
    part.replace(out)
    return backup


def restore(
    backup_dir: Path,
    store_url: str,
    raw: RawStore,
    *,
    ground: Mapping[str, Path] | None = None,
    metadata_url: str = "",
) -> Backup:
    """Restore a backup into an empty store. Everything is looked at first: a refusal leaves nothing behind.

    Args:
        backup_dir: The backup's folder.
        store_url: An empty store of the same kind, for PostgreSQL as the owner of the tables to be.
        raw: Where its raw files go; files that are there already stay.
        ground: Where the ground goes, by the names of its folders; a file that is there already must be the same.
        metadata_url: An empty database for Airflow's metadata; empty: they are left alone.

    Raises:
        ConfigurationError: No backup, a damaged one, a store that is not empty or of the other kind, another ground.
        SystemFault: The restore failed, or what was restored is not what was backed up.
    """
    backup = _manifest(backup_dir)
    wanted = {backup.dump: (store_url, backup.dump_sha256)}
    if backup.metadata and metadata_url:
        wanted[backup.metadata] = (metadata_url, backup.metadata_sha256)
    for name, (url, sha256) in wanted.items():
        _require_kind(url, name)
        _require_digest(backup_dir / name, sha256)
        _require_empty(url)
    files = _ground_of(backup, backup_dir / GROUND, ground or {})
    for sha256, content in _raw_of(backup_dir):
        if raw.put(content) != sha256:
            raise ConfigurationError(f"{backup_dir / RAW} 中 {sha256} 的内容与名称不符，备份已损坏")
    for name, (url, _) in wanted.items():
        _load(backup_dir / name, url)
    for source, target in files:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    _require_same(connect(store_url), raw, backup)
    return backup


def _load(dump: Path, store_url: str) -> None:
    url = make_url(store_url)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(dump, str(url.database))
        return
    _run(
        ["pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", "--single-transaction"],
        url,
        str(dump),
        into=True,
    )


def _dump_metadata(metadata_url: str, folder: Path) -> str:
    """Dump Airflow's metadata; the name of the dump. Airflow names a driver that the store does not use."""
    engine = connect(_for_the_store(metadata_url))
    name = "airflow.db" if engine.dialect.name == "sqlite" else "airflow.dump"
    _dump(engine, folder / name)
    engine.dispose()
    return name


def _for_the_store(url: str) -> str:
    parts = make_url(url)
    if parts.get_backend_name() == "postgresql":
        parts = parts.set(drivername="postgresql+psycopg")
    return parts.render_as_string(hide_password=False)


def _copy_ground(ground: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Copy the files of the ground; the SHA-256 of each copy by its path in the backup."""
    digests = {}
    for name, source in sorted(ground.items()):
        if not source.is_dir():
            raise ConfigurationError(f"考评依据的文件夹 {source} 不存在，备份不会完整")
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            if path.is_file() and _RUNS_LEAVE_BEHIND not in inside.parts:
                copy = folder / name / inside
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
                digests[copy.relative_to(folder).as_posix()] = _file_digest(copy)
    return digests


def _ground_of(backup: Backup, folder: Path, ground: Mapping[str, Path]) -> list[tuple[Path, Path]]:
    """Where each file of the ground lies in the backup, and where it goes; what is there already is left out."""
    to_copy = []
    for inside, sha256 in backup.ground.items():
        name, _, rest = inside.partition("/")
        if name not in ground:
            continue
        target = ground[name] / rest
        if not target.resolve().is_relative_to(ground[name].resolve()):
            raise ConfigurationError(f"{MANIFEST} 所记的 {inside} 不在考评依据的文件夹里，备份已损坏")
        _require_digest(folder / inside, sha256)
        if not target.exists():
            to_copy.append((folder / inside, target))
        elif _file_digest(target) != sha256:
            raise ConfigurationError(f"{target} 已经存在，内容与备份不同；恢复不覆盖任何东西，请先把它移开")
    return to_copy


def _require_kind(url: str, dump: str) -> None:
    kind = make_url(url).get_backend_name()
    of_the_dump = "sqlite" if dump.endswith(".db") else "postgresql"
    if kind != of_the_dump:
        raise ConfigurationError(f"备份来自 {of_the_dump}，不能恢复到 {kind}")


def _require_digest(file: Path, sha256: str) -> None:
    if _file_digest(file) != sha256:
        raise ConfigurationError(f"{file} 的内容与 {MANIFEST} 所记的 SHA-256 不符，备份已损坏")


def _dump(engine: Engine, file: Path) -> None:
    if engine.dialect.name != "sqlite":
        _run(["pg_dump", "--format=custom", f"--file={file}"], engine.url)
        return
    source = sqlite3.connect(f"file:{engine.url.database}?mode=ro", uri=True)
    target = sqlite3.connect(file)
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    finally:
        source.close()
        target.close()


def _run(command: list[str], url: URL, *arguments: str, into: bool = False) -> None:
    """Run one of PostgreSQL's tools; the password travels in the environment, not on the command line."""
    tool = shutil.which(command[0])
    if tool is None:
        raise ConfigurationError(f"本机没有 {command[0]}，请安装 PostgreSQL 客户端后再试")
    query = {name: value if isinstance(value, str) else value[0] for name, value in url.query.items()}
    environment = {**os.environ, "PGPASSWORD": str(url.password or "")}
    where = [
        f"--host={query.get('host') or url.host or 'localhost'}",
        f"--port={query.get('port') or url.port or 5432}",
        f"--username={url.username}",
        "--no-password",
        f"--dbname={url.database}",
    ]
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own tool, its arguments from the settings
        [tool, *command[1:], *where, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        doing = "恢复" if into else "备份"
        raise SystemFault(f"{doing}没有完成，{command[0]} 报告：{done.stderr.strip()[-500:]}")


def _dumped_names(engine: Engine) -> Iterator[str]:
    """The raw files that rows name, read after the dump: at least those of the dump."""
    with read(engine) as connection:
        names = list(connection.execute(select(raw_file.c.sha256).order_by(raw_file.c.sha256)).scalars())
    yield from names


def _copy_raw(names: Iterator[str], raw: RawStore, folder: Path) -> int:
    copies, count = RawStore(str(folder)), 0
    for sha256 in names:
        copies.put(raw.get(sha256))
        count += 1
    return count


def _raw_of(backup_dir: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((backup_dir / RAW).glob("??/*")):
        yield path.name, path.read_bytes()


def _manifest(backup_dir: Path) -> Backup:
    try:
        return Backup(**json.loads((backup_dir / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as failure:
        raise ConfigurationError(f"{backup_dir} 不是完整的备份：{MANIFEST} 缺失或不能读取") from failure


def _require_empty(store_url: str) -> None:
    if make_url(store_url).get_backend_name() == "sqlite":
        if Path(str(make_url(store_url).database)).exists():
            raise ConfigurationError("要恢复到的数据库文件已经存在；恢复不覆盖任何东西，请换一个位置")
        return
    engine = connect(_for_the_store(store_url))
    with engine.connect() as connection:
        if _schema_of(connection):
            raise ConfigurationError("要恢复到的数据库不是空的；恢复不覆盖任何东西，请新建一个空数据库")
    engine.dispose()


def _require_same(engine: Engine, raw: RawStore, backup: Backup) -> None:
    if _schema(engine) != backup.schema:
        raise SystemFault(f"恢复出的数据库结构是 {_schema(engine)}，备份时是 {backup.schema}，请勿使用")
    chain = verify(engine, [Head(backup.audit_seq, backup.audit_digest, backup.made_at)])
    if chain.faults:
        told = "；".join(fault.message_zh for fault in chain.faults)
        raise SystemFault(f"恢复出的审计链有问题，请勿使用：{told}")
    with read(engine) as connection:
        missing = [
            sha256
            for sha256 in connection.execute(select(raw_file.c.sha256)).scalars()
            if not raw.has(sha256)
        ]
    if missing:
        raise SystemFault(f"恢复后缺少 {len(missing)} 个原始文件，例如 {missing[0]}，请勿使用")


def _schema(engine: Engine) -> str:
    with engine.connect() as connection:
        return _schema_of(connection)


def _schema_of(connection: Connection) -> str:
    return str(MigrationContext.configure(connection).get_current_revision() or "")


def _head(engine: Engine) -> tuple[int, str]:
    with read(engine) as connection:
        last = connection.execute(
            select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)
        ).one_or_none()
    return (int(last.seq), str(last.digest)) if last is not None else (0, GENESIS)


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as failure:
        raise ConfigurationError(f"{path} 不能读取，备份不完整") from failure
