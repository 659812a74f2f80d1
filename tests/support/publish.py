"""Results to publish without the score room, and the platform's contract as an oracle (合成数据)."""

import re
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import yaml
from sqlalchemy import delete, insert, select

from fazhi.model.unit_code import check_character
from fazhi.publish import PlatformClient, RetryPolicy, enqueue
from fazhi.store import read, write
from fazhi.store.tables import (
    current_result,
    final_outcome,
    final_proposal,
    final_version,
    outbox,
    receipt,
    result,
)

YEAR = 2024
SYSTEM_DIGEST = "5" * 64
APP_ID = "fazhi-test"
SECRET = "synthetic-secret-of-the-tests"
NOW = datetime(2024, 10, 15, 1, 30, tzinfo=timezone(timedelta(hours=8)))
IMPATIENT = RetryPolicy(attempts=4, first_wait=0.0, longest_wait=5.0, connect_timeout=10.0, read_timeout=60.0)
CONTRACT = Path(__file__).parents[1] / "contracts" / "assessment-platform.openapi.yaml"


def unit(number: int) -> str:
    """A synthetic unit code with a valid check character."""
    first = f"11150299{number:09d}"
    return first + check_character(first)


def add_result(engine, unit_code, version=1, *, year=YEAR, stage="provisional", score="89.56", share="0.10"):
    """A synthetic row of the score room."""
    with write(engine) as connection:
        connection.execute(
            insert(result).values(
                year=year,
                unit_code=unit_code,
                version=version,
                stage=stage,
                region="150200",
                content_digest=f"{version:064d}",
                input_digest="1" * 64,
                system_id="2024",
                system_digest=SYSTEM_DIGEST,
                unit_name="合成单位",
                base=score,
                bonus="0.00",
                deduction="0.00",
                score=score,
                component=score,
                share=share,
                total_points="1000.00",
                computed_at="2024-10-14T01:30:00+08:00",
            )
        )
        final = final_version.c
        settled = select(final.version).where(final.year == year, final.unit_code == unit_code)
        if stage == "final":
            _make_final(connection, year, unit_code, version)
        elif connection.execute(settled).first() is not None:
            return  # scoring leaves a unit with a final result alone
        _point(connection, year, unit_code, version)


def lose_result(engine, unit_code, year=YEAR):
    """The unit is left without a result, as scoring does it."""
    with write(engine) as connection:
        _point(connection, year, unit_code, None)


def _point(connection, year, unit_code, version):
    pointer = current_result.c
    connection.execute(delete(current_result).where(pointer.year == year, pointer.unit_code == unit_code))
    if version is not None:
        connection.execute(
            insert(current_result).values(year=year, unit_code=unit_code, region="150200", version=version)
        )


def _make_final(connection, year, unit_code, version):
    """A synthetic signature for one result, in a region of its own number."""
    proposal = {
        "year": year,
        "region": f"15{unit_code[-5:-1]}",
        "number": version,
        "proposed_by": "kp-steward-1",
    }
    connection.execute(
        insert(final_proposal).values(
            **proposal,
            kind="correction",
            digest="0" * 64,
            units=1,
            system_digest=SYSTEM_DIGEST,
            reason="合成数据",
            proposed_name="合成",
            proposed_at="2024-10-14T01:30:00+08:00",
        )
    )
    connection.execute(
        insert(final_outcome).values(
            **proposal,
            outcome="signed",
            digest="0" * 64,
            decided_by="kp-chief-1",
            decided_name="合成",
            decided_as="chief",
            decided_at="2024-10-14T01:30:00+08:00",
        )
    )
    proposal.pop("proposed_by")
    connection.execute(insert(final_version).values(**proposal, unit_code=unit_code, version=version))


def body_of(connection, year, unit_code, version):
    """The platform's Result of a synthetic row: one line that carries the whole score."""
    row = (
        connection.execute(
            select(result).where(
                result.c.year == year, result.c.unit_code == unit_code, result.c.version == version
            )
        )
        .mappings()
        .one()
    )
    return {
        "year": year,
        "unit_code": unit_code,
        "unit_name": row["unit_name"],
        "stage": row["stage"],
        "version": version,
        "correction_of": None,
        "indicator_system": row["system_id"],
        "indicator_system_digest": row["system_digest"],
        "score": row["score"],
        "rank": None,
        "component": {
            "share": row["share"],
            "total_points": row["total_points"],
            "points": row["component"],
        },
        "lines": [
            {"indicator_code": "D4.1", "full_mark": "100.00", "points": row["score"], "status": "scored"}
        ],
        "input_digest": row["input_digest"],
        "computed_at": row["computed_at"],
    }


def queue_units(engine, count, *, first=1, **values):
    """Results of ``count`` units, queued; their codes."""
    codes = sorted(unit(number) for number in range(first, first + count))
    for code in codes:
        add_result(engine, code, **values)
    enqueue(engine, values.get("year", YEAR), body_of=body_of, now=NOW)
    return codes


def client_of(platform, **values):
    """A client that does not wait."""
    settings = {"retry": IMPATIENT, "sleep": lambda _seconds: None, **values}
    return PlatformClient(platform.url, APP_ID, SECRET, **settings)


def states(engine, year=YEAR):
    """(unit, version) → state of every outbox row."""
    with read(engine) as connection:
        rows = connection.execute(
            select(outbox.c.unit_code, outbox.c.version, outbox.c.state).where(outbox.c.year == year)
        )
        return {(unit_code, version): state for unit_code, version, state in rows}


def outbox_row(engine, unit_code, version=1, year=YEAR):
    """One outbox row as a mapping."""
    with read(engine) as connection:
        return (
            connection.execute(
                select(outbox).where(
                    outbox.c.year == year, outbox.c.unit_code == unit_code, outbox.c.version == version
                )
            )
            .mappings()
            .one()
        )


def receipts(engine):
    """(unit, version, digest) of the receipts kept."""
    with read(engine) as connection:
        rows = connection.execute(select(receipt.c.unit_code, receipt.c.version, receipt.c.digest))
        return sorted(tuple(row) for row in rows)


@cache
def contract():
    """The OpenAPI document."""
    return yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))


UNDECLARED = {
    ("get", 401),  # every call is signed, but the contract names 401 for one PUT only
    ("post", 401),
    ("post", 422),  # a batch that is not a batch
    ("get", 422),  # a page limit out of bounds
    ("get", 404),  # a page or digest of a year that the platform does not know
}
"""Answers that the contract leaves unsaid; all of them are Problems."""


def check_exchange(method, target, headers, body, status, data):
    """Fail unless a request and its answer keep the contract."""
    template, operation, words = _operation(method.lower(), urlsplit(target).path)
    shared = contract()["paths"][template].get("parameters", [])
    for parameter in map(_resolved, [*shared, *operation.get("parameters", [])]):
        _check_parameter(parameter, words, headers)
    if status < 300 and "requestBody" in operation:
        _validate(body, operation["requestBody"]["content"]["application/json"]["schema"])
    declared = operation["responses"].get(str(status))
    if declared is None:
        assert (method.lower(), status) in UNDECLARED, f"{method} {template} does not answer {status}"
        _validate(data, {"$ref": "#/components/schemas/Problem"})
        return
    content = _resolved(declared).get("content")
    if content is not None:
        (media,) = content.values()
        _validate(data, media["schema"])


def _operation(method, path):
    for template, item in contract()["paths"].items():
        words = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
        if words is not None and method in item:
            return template, item[method], {name: unquote(value) for name, value in words.groupdict().items()}
    raise AssertionError(f"no such operation in the contract: {method} {path}")


def _check_parameter(parameter, words, headers):
    schema = parameter["schema"]
    if parameter["in"] == "path":
        word = words[parameter["name"]]
        _validate(int(word) if schema.get("type") == "integer" else word, schema)
    elif parameter["in"] == "header" and parameter.get("required"):
        _validate(headers[parameter["name"]], schema)


def _resolved(node):
    while "$ref" in node:
        found = contract()
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def _validate(data, schema):
    jsonschema.Draft202012Validator({**schema, "components": contract()["components"]}).validate(data)
