"""Dockerfile under hadolint: the shipped file is clean, and a slip in it is named."""

import subprocess

import pytest

from fazhi.settings import PROJECT_ROOT

HADOLINT = PROJECT_ROOT / ".venv-ci" / "bin" / "hadolint"
# Debian removes superseded versions from its mirrors: a pinned one would soon not build; the major version is in the name
ALLOWED = "DL3008"


def told(content: str) -> str:
    if not HADOLINT.is_file():
        pytest.skip("needs docker: no hadolint (make ci-tools)")
    done = subprocess.run(
        [HADOLINT, "--no-color", "--ignore", ALLOWED, "-"], input=content, capture_output=True, text=True
    )
    return done.stdout


def shipped() -> str:
    return (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_shipped_file_is_clean():
    assert told(shipped()) == ""


@pytest.mark.parametrize(
    ("rule", "was", "becomes"),
    [
        ("DL3007", "FROM ${PYTHON_IMAGE} AS build", "FROM python:latest AS build"),
        ("DL3002", "USER 50000:50000", "USER root"),
        ("DL3020", "COPY dags", "ADD dags"),
        ("DL3009", "rm -rf /var/lib/apt/lists/*", "true"),
    ],
)
def test_a_slip_is_named(rule, was, becomes):
    assert was in shipped()
    assert rule in told(shipped().replace(was, becomes))
