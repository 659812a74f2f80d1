"""The pictures of the guides: there is each that a guide shows, none that none shows, and none is heavy."""

import re
import struct

from fazhi.settings import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
HEAVIEST = 180_000


def shown() -> set[str]:
    """The pictures that guides show, by name."""
    texts = (path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    return {name for text in texts for name in re.findall(r"!\[[^\]]+\]\(pictures/([^)]+)\)", text)}


def test_every_picture_is_there_and_is_shown() -> None:
    assert shown()
    assert {path.name for path in (DOCS / "pictures").iterdir()} == shown()


def test_every_picture_is_a_light_png_of_a_small_screen() -> None:
    for path in (DOCS / "pictures").iterdir():
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n"), path.name
        assert len(content) <= HEAVIEST, path.name
        assert struct.unpack(">II", content[16:24]) == (1280, 720), path.name


def test_make_takes_every_picture_anew() -> None:
    recipe = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8").partition("\npictures:")[2]
    listed = set(re.findall(r"[\w-]+:([\w-]+)", recipe.partition("\n\n")[0]))
    assert {name.removesuffix(".png") for name in shown()} <= listed
