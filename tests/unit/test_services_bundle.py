"""The offline bundle: made of a small real lock, it installs without an index, and every damage is named."""

import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from fazhi.services import bundle
from fazhi.settings import PROJECT_ROOT


def wheel(folder: Path, name: str) -> Path:
    """A real wheel of one module."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "ANSWER = 42\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(file), content)
    return path


def lock_line(path: Path, marker: str = "") -> str:
    name = path.name.split("-")[0].replace("_", "-")
    return f"{name}==1.0{marker} \\\n    --hash=sha256:{sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its index, and nothing else."""
    folder = tmp_path / "index"
    wheel(folder, "made_up_one")
    wheel(folder, "made_up_two")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def checkout(tmp_path: Path, index: Path) -> Path:
    """A repository with a small lock; one package is for another platform."""
    root = tmp_path / "checkout"
    root.mkdir()
    one, two = sorted(index.iterdir())
    elsewhere = (
        lock_line(two)
        .replace("made-up-two", "made-up-windows")
        .replace("==1.0", "==1.0 ; sys_platform == 'win32'")
    )
    (root / bundle.LOCK).write_text(lock_line(one) + lock_line(two) + elsewhere, encoding="utf-8")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t.invalid", "-C", str(root)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "lock"]):
        subprocess.run([*git, *command], check=True)
    return root


@pytest.fixture
def made(checkout: Path, tmp_path: Path) -> Path:
    bundle.make(checkout, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_bundle_is_whole_and_says_what_it_is(made: Path) -> None:
    assert bundle.verify(made) == []
    about = json.loads((made / bundle.MANIFEST).read_text(encoding="utf-8"))
    assert about["python"] == ".".join(map(str, sys.version_info[:3]))
    assert len(about["commit"]) == 40
    assert {path.name for path in (made / "wheels").iterdir()} == {
        "made_up_one-1.0-py3-none-any.whl",
        "made_up_two-1.0-py3-none-any.whl",
    }
    checked = subprocess.run(["sha256sum", "-c", "--quiet", bundle.SUMS], cwd=made, capture_output=True)
    assert checked.returncode == 0, "the tool that every machine has agrees"


def test_it_installs_without_an_index_and_verifies_itself_before_that(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    alone = subprocess.run([sys.executable, "-I", "verify.py"], cwd=made, capture_output=True, text=True)
    assert alone.returncode == 0, alone.stderr
    target = [
        *("--target", str(tmp_path / "site")),
        "--no-index",
        "--find-links",
        "wheels",
        "--require-hashes",
    ]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *target, "-r", bundle.LOCK]
    subprocess.run(command, cwd=made, check=True)
    assert (tmp_path / "site" / "made_up_one.py").read_text(encoding="utf-8") == "ANSWER = 42\n"


def damage_source(made: Path) -> None:
    (made / "source.tar.gz").write_bytes(b"other")


def lose_a_wheel(made: Path) -> None:
    (made / "wheels" / "made_up_one-1.0-py3-none-any.whl").unlink()


def slip_something_in(made: Path) -> None:
    wheel(made / "wheels", "made_up_evil")


def exchange_and_sum_again(made: Path) -> None:
    path = made / "wheels" / "made_up_one-1.0-py3-none-any.whl"
    path.write_bytes(b"other")
    bundle.seal(made, commit="0" * 40)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage_source, "source.tar.gz 被改动或损坏"),
        (lose_a_wheel, "缺少 wheels/made_up_one-1.0-py3-none-any.whl"),
        (lose_a_wheel, "wheels 缺少 made-up-one"),
        (slip_something_in, "多出 wheels/made_up_evil-1.0-py3-none-any.whl"),
        (
            exchange_and_sum_again,
            "wheels 中的 made_up_one-1.0-py3-none-any.whl 不在 requirements.runtime.lock 中",
        ),
        (lambda made: (made / bundle.SUMS).unlink(), "没有 SHA256SUMS"),
        (lambda made: (made / bundle.SUMS).write_text("x\n"), "SHA256SUMS 第 1 行不可用"),
    ],
)
def test_every_damage_is_named(made: Path, change, said: str) -> None:
    change(made)
    assert said in bundle.verify(made)
    assert bundle.main(["verify", str(made)]) == 1


def test_what_is_not_what_the_lock_says_makes_no_bundle(checkout: Path, index: Path, tmp_path: Path) -> None:
    one = sorted(index.iterdir())[0]
    one.write_bytes(one.read_bytes() + b"\0")
    with pytest.raises(bundle.BundleFault, match="pip download"):
        bundle.make(checkout, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".bundle")] == []


def test_neither_uncommitted_work_nor_an_old_bundle_is_taken(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(bundle.BundleFault, match="已经存在"):
        bundle.make(checkout, tmp_path / "bundle")
    (checkout / bundle.LOCK).write_text("", encoding="utf-8")
    with pytest.raises(bundle.BundleFault, match="未提交"):
        bundle.make(checkout, tmp_path / "other")


def test_an_image_that_cannot_be_had_is_told(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(bundle.BundleFault, match=r"没有 docker|docker save .*失败"):
        bundle.make(checkout, tmp_path / "bundle", ["made-up/no-such-image:0"])
    assert not (tmp_path / "bundle").exists()


def test_the_bill_of_materials_names_every_package_of_the_runtime_lock(tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    subprocess.run(["make", "--silent", "sbom", f"SBOM={out}"], cwd=PROJECT_ROOT, check=True)
    bill = json.loads(out.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "fazhi"
    text = (PROJECT_ROOT / bundle.LOCK).read_text(encoding="utf-8")
    locked = {(bundle._plain(name), version) for name, version in bundle._PIN.findall(text)}
    listed = {(bundle._plain(one["name"]), one["version"]) for one in bill["components"]}
    assert listed == locked
    assert len(locked) > 150
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"])
