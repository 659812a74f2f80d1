"""Backup and restore. In: a folder. Out: a backup that proves itself, or a store and its ground again."""

from pathlib import Path
from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.cli.administration import store_app
from fazhi.cli.app import OutOption, out
from fazhi.services.backup import back_up, restore
from fazhi.settings import Settings
from fazhi.store import connect
from fazhi.store.raw import RawStore


@store_app.command("backup")
def store_backup(out_dir: OutOption) -> None:
    """备份数据库、原始文件、考评依据（写明了的还有 Airflow 元数据）到一个新文件夹；备份时可以照常使用。"""
    loaded = Settings.load()
    made = back_up(
        connect(loaded.store_url),
        RawStore(loaded.raw_url),
        out_dir,
        now=pipeline.now_in_shanghai(),
        ground=loaded.ground_dirs,
        metadata_url=loaded.metadata_url,
    )
    out.print(
        f"已备份到 {out_dir}：数据库（{made.database}，结构 {made.schema}）、{made.raw_files} 个原始文件，"
        f"{len(made.ground)} 个考评依据文件、{'' if made.metadata else '不含 '}Airflow 元数据，"
        f"审计链到第 {made.audit_seq} 条",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@store_app.command("restore")
def store_restore(folder: Annotated[Path, typer.Argument(help="备份文件夹")]) -> None:
    """把备份恢复到设置所指的空数据库、原始文件库和考评依据文件夹，并与备份时核对。"""
    loaded = Settings.load()
    made = restore(
        folder,
        loaded.store_url,
        RawStore(loaded.raw_url),
        ground=loaded.ground_dirs,
        metadata_url=loaded.metadata_url,
    )
    restored_metadata = made.metadata and loaded.metadata_url
    out.print(
        f"已恢复 {made.made_at} 的备份：{made.raw_files} 个原始文件、{len(made.ground)} 个考评依据文件、"
        f"{'' if restored_metadata else '不含 '}Airflow 元数据，审计链核对无误",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
