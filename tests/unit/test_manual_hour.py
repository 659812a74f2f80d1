"""What docs/operations.zh-CN.md prints can be typed: its commands are there, and its backup is the one that is drilled."""

import itertools
import re

import pytest
import typer
from typer.main import get_command

from fazhi.cli import app
from fazhi.settings import PROJECT_ROOT
from support.compose_policy import shipped
from support.manual import (
    BACKUP_AND_RESTORE,
    FIRST_INSTALLATION,
    THE_HOUR,
    commands,
    crontab,
    hour,
    maintenance,
    section,
)

JOINS_COMMANDS = ("&&", ";")


def simple_commands():
    """Every command by itself, where a line joins several."""
    for line in commands():
        for joined, words in itertools.groupby(line, JOINS_COMMANDS.__contains__):
            if not joined:
                yield list(words)


def of_fazhi(words):
    return words[words.index("fazhi") + 1 :] if "fazhi" in words and words[0] in ("fazhi", "docker") else None


FAZHI = [words for words in map(of_fazhi, simple_commands()) if words is not None]


@pytest.mark.parametrize("words", FAZHI, ids=" ".join)
def test_the_command_line_knows_each_command_and_option(words):
    command, context = get_command(app), typer.Context(get_command(app))
    rest = list(words)
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, f"no such command: fazhi {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    assert command.make_context("fazhi", rest, parent=context, resilient_parsing=False)


def test_make_has_each_target():
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    asked = {words[1] for words in simple_commands() if words[0] == "make"}
    assert {"image", "secrets"} <= asked <= targets


def test_compose_has_each_service_and_its_maintenance_sees_the_backups():
    services = shipped()["services"]
    for words in simple_commands():
        if words[:2] == ["docker", "compose"] and ("exec" in words or "run" in words):
            verb = words.index("exec" if "exec" in words else "run")
            named = next(word for word in words[verb + 1 :] if not word.startswith("-"))
            assert named in services, " ".join(words)
    written = maintenance("fazhi", "store", "backup")[-1]
    assert any(volume.endswith(":/srv/backups") for volume in services["maintenance"]["volumes"])
    assert written.startswith("/srv/backups/")


def test_the_installation_makes_what_it_needs_before_it_starts():
    first = [" ".join(words) for words in commands(FIRST_INSTALLATION)]
    start = first.index("docker compose up -d --wait")
    for needed in ("make image", "make secrets", "mkdir -p var/inbox"):
        assert first.index(needed) < start
    assert any(line.startswith("sudo install -d -o 50000 -g 50000") for line in first[:start])


def test_what_is_restored_is_what_was_backed_up_before_anything_starts():
    lines = [" ".join(words) for words in commands(BACKUP_AND_RESTORE)]
    backup, restore = maintenance("fazhi", "store", "backup"), maintenance("fazhi", "store", "restore")
    assert restore[-1] == backup[-1]
    (restored,) = [number for number, line in enumerate(lines) if "store restore" in line]
    assert lines[restored + 1 : restored + 3] == [
        "docker compose up -d --wait",
        "docker compose run --rm maintenance fazhi audit verify",
    ]


def test_the_hour_is_made_of_steps_whose_commands_can_all_be_found():
    steps = hour()
    assert [step.number for step in steps] == list(range(1, 8))
    walked = [command for step in steps for command in step.commands]
    assert {"make demo", "make image", "docker compose up -d --wait"} <= set(walked)
    assert sum(command.startswith("docker compose") for command in walked) >= 12
    assert "```" not in section(
        THE_HOUR
    )  # a command of the hour stands in a sentence, or in a part that a step names
    for span in re.findall(r"`([a-z]+ [^`]+)`", section(THE_HOUR).partition("\n1. ")[2]):
        assert span in walked


def test_the_manual_says_how_long_each_step_of_the_hour_takes():
    for text in re.findall(r"^\d\. \*\*.+?\*\*（(.+?)）", section(THE_HOUR), re.M):
        assert re.search(r"(\d+|[一二三四五六七八九十]+) ?分钟", text), text


@pytest.mark.parametrize("line", crontab())
def test_a_line_of_the_crontab_waits_for_no_terminal_and_for_no_other_run(line):
    *times, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[0-9*]+", time) for time in times)
    assert re.search(r"docker compose run .*-T ", command)
    assert "flock " in command
    assert not re.search(r"(?<!\\)%", command)


def test_the_crontab_backs_up_every_night_and_asks_for_what_the_command_line_knows():
    (nightly,) = [line for line in crontab() if "store backup" in line]
    assert re.match(r"\d+ \d+ \* \* \* ", nightly)
    assert "/srv/backups/$(date +\\%F-\\%H\\%M)" in nightly  # a second one of the day has a name of its own
