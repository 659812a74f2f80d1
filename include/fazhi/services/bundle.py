"""A bundle for a network that is closed. In: the checkout, the lock, an index. Out: a folder that installs and proves itself.

``python -m fazhi.services.bundle make FOLDER`` (``make bundle``) collects, for the Python and platform that it runs on:
``wheels/`` (every package of the runtime lock, each with the hash that the lock names), ``source.tar.gz`` (this commit),
the lock, ``sbom.json`` and ``images/`` where asked for, ``INSTALL.zh-CN.md``, ``bundle.json`` and ``SHA256SUMS``.
``verify FOLDER`` names everything that is missing, changed or surplus. A copy of this file travels in the bundle as
``verify.py`` and runs there before anything is installed: it needs the standard library alone.
"""

import argparse
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

SUMS = "SHA256SUMS"
MANIFEST = "bundle.json"
LOCK = "requirements.runtime.lock"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)
_MIB = 1 << 20

INSTALL = """# 离线安装

这个文件夹适用于 Python {python}、{platform}。目标机器不需要网络，需要同样的 Python 版本。

```sh
python3 verify.py                               # 核对每个文件；也可以用 sha256sum -c SHA256SUMS
mkdir -p /srv/fazhi && tar -xzf source.tar.gz -C /srv/fazhi
python3 -m venv /srv/fazhi/.venv
/srv/fazhi/.venv/bin/pip install --no-index --find-links wheels --require-hashes -r requirements.runtime.lock
cd /srv/fazhi && .venv/bin/pip install --no-index --no-deps --no-build-isolation -e .
.venv/bin/fazhi --help && .venv/bin/python -m fazhi.demo
```

用容器运行的，先导入镜像（打包时带上了才有）：`for f in images/*.tar; do docker load -i "$f"; done`，再按
`docs/operations.zh-CN.md` 第一节启动。
"""


class BundleFault(Exception):
    """The bundle cannot be made."""


def make(root: Path, out: Path, images: Sequence[str] = (), sbom: Path | None = None) -> None:
    """Make a bundle in a folder that does not exist yet; it appears whole or not at all.

    Args:
        root: The checkout; what is not committed does not travel.
        out: The new folder.
        images: Images that the engine on this machine holds.
        sbom: A bill of materials to put in.

    Raises:
        BundleFault: The folder exists, something is not committed, or a tool failed.
    """
    if out.exists():
        raise BundleFault(f"{out} 已经存在，请换一个文件夹")
    if _run(["git", "status", "--porcelain", "--untracked-files=no"], root).strip():
        raise BundleFault("有未提交的改动：离线包只收录已提交的内容")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        part = Path(temporary) / "bundle"
        part.mkdir()
        shutil.copyfile(root / LOCK, part / LOCK)
        _run(["git", "archive", "--format=tar.gz", f"--output={part / 'source.tar.gz'}", "HEAD"], root)
        fetch_wheels(part / LOCK, part / "wheels")
        for image in images:
            save_image(image, part / "images")
        if sbom is not None:
            shutil.copyfile(sbom, part / "sbom.json")
        seal(part, commit=_run(["git", "rev-parse", "HEAD"], root).strip())
        part.rename(out)


def fetch_wheels(lock: Path, folder: Path) -> None:
    """Download what a hashed lock names for this Python and platform.

    Raises:
        BundleFault: Something could not be had, or is not what its hash says.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _run([*command, "--require-hashes", "--requirement", str(lock), "--dest", str(folder)], lock.parent)


def save_image(image: str, folder: Path) -> None:
    """Write an image of the engine on this machine to a file.

    Raises:
        BundleFault: There is no engine, or no such image.
    """
    folder.mkdir(exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", image)
    _run(["docker", "save", "--output", str(folder / f"{name}.tar"), image], folder)


def seal(folder: Path, *, commit: str) -> None:
    """Add how to install, what it is, the verifier, and the sums over all of it."""
    target = {"python": platform.python_version(), "platform": f"{sys.platform}-{platform.machine()}"}
    (folder / "INSTALL.zh-CN.md").write_text(INSTALL.format(**target), encoding="utf-8")
    shutil.copyfile(__file__, folder / "verify.py")
    files = list(_files(folder))
    about = {
        "commit": commit,
        **target,
        "files": len(files),
        "bytes": sum((folder / name).stat().st_size for name in files),
    }
    (folder / MANIFEST).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    sums = (f"{_digest(folder / name)}  {name}\n" for name in _files(folder))
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")


def verify(folder: Path) -> list[str]:
    """Everything that is wrong with a bundle, in words; empty when it is whole."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return [f"没有 {SUMS}"]
    faults, listed = [], {}
    for number, line in enumerate(lines, start=1):
        found = _LINE.fullmatch(line)
        if found is None:
            faults.append(f"{SUMS} 第 {number} 行不可用")
        else:
            listed[found[2]] = found[1]
    there = set(_files(folder))
    faults += [f"缺少 {name}" for name in sorted(set(listed) - there)]
    faults += [f"多出 {name}" for name in sorted(there - set(listed))]
    faults += [
        f"{name} 被改动或损坏"
        for name in sorted(there & set(listed))
        if _digest(folder / name) != listed[name]
    ]
    return faults + _faults_of_wheels(folder)


def _faults_of_wheels(folder: Path) -> list[str]:
    """Packages that the lock names for every platform and no file is there for; files that no hash of the lock knows."""
    if not (folder / LOCK).is_file():
        return [f"没有 {LOCK}"]
    text = (folder / LOCK).read_text(encoding="utf-8")
    wheels = sorted((folder / "wheels").glob("*")) if (folder / "wheels").is_dir() else []
    named = {
        _plain(path.name.split("-")[0]) if path.suffix == ".whl" else _source_name(path.name)
        for path in wheels
    }
    missing = [
        name for name, _ in _PIN.findall(text) if not _has_marker(text, name) and _plain(name) not in named
    ]
    unknown = [path.name for path in wheels if f"sha256:{_digest(path)}" not in text]
    return [f"wheels 缺少 {name}" for name in missing] + [
        f"wheels 中的 {name} 不在 {LOCK} 中" for name in unknown
    ]


def _has_marker(text: str, name: str) -> bool:
    """Whether the lock wants a package on some platforms or Pythons only."""
    return re.search(rf"^{re.escape(name)}==[^ ;\\]+ *;", text, re.MULTILINE) is not None


def _source_name(file: str) -> str:
    return _plain(re.sub(r"-[0-9][^-]*\.(tar\.gz|zip)$", "", file))


def _plain(name: str) -> str:
    """A package's name in the one form that PEP 503 gives it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _files(folder: Path) -> Iterator[str]:
    """Every file below the folder but the sums, by name."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != SUMS and "__pycache__" not in path.parts:
            yield name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(command: list[str], where: Path) -> str:
    try:
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise BundleFault(f"本机没有 {command[0]}") from None
    if done.returncode:
        raise BundleFault(f"{' '.join(command[:4])} 失败：{done.stderr.strip()[-1000:]}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Make or verify; without arguments, verify the folder in which this file lies."""
    parser = argparse.ArgumentParser(description="离线安装包")
    commands = parser.add_subparsers(dest="command")
    making = commands.add_parser("make", help="制作")
    making.add_argument("folder", type=Path)
    making.add_argument("--image", action="append", default=[], help="一并导出的镜像，可重复")
    making.add_argument("--sbom", type=Path, help="一并放入的软件物料清单")
    checking = commands.add_parser("verify", help="核对")
    checking.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "make":
        try:
            make(Path(__file__).resolve().parents[3], options.folder.resolve(), options.image, options.sbom)
        except BundleFault as fault:
            print(fault, file=sys.stderr)
            return 2
    folder = options.folder if options.command else Path(__file__).resolve().parent
    faults = verify(folder)
    for found in faults:
        print(found, file=sys.stderr)
    if not faults:
        about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        print(f"{folder}：{about['files']} 个文件，{about['bytes'] / _MIB:.0f} MiB，核对无误")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
