"""The command line as a person uses it: a city from files to confirmed results, exit status and JSON as promised."""

import csv
import json
import subprocess
import sys

import pytest

from fazhi.sandbox import SandboxPlatform
from fazhi.settings import PROJECT_ROOT
from support.city import city_environment, fazhi, write_city

YEAR = "2023"


@pytest.fixture(scope="module")
def city(tmp_path_factory, registry, editions):
    return write_city(registry, editions, tmp_path_factory.mktemp("city"), years=range(2023, 2024), units=6)


@pytest.fixture(scope="module")
def lived(tmp_path_factory, city):
    """A year taken through every step once; what each command said."""
    home = tmp_path_factory.mktemp("home")
    with SandboxPlatform(state=home / "platform.db", app_id="app", secret="secret") as platform:
        env = city_environment(
            home,
            city.inbox,
            FAZHI_PLATFORM_URL=platform.url,
            FAZHI_PLATFORM_APP_ID="app",
            FAZHI_PLATFORM_SECRET="secret",
        )
        said = {
            "collect": fazhi("collect", "--year", YEAR, "--json", env=env),
            "validate": fazhi("validate", "--year", YEAR, "--json", env=env),
            "findings": fazhi("findings", "--year", YEAR, "--json", env=env),
            "dry": fazhi("score", "--year", YEAR, "--json", env=env),
            "would": fazhi("publish", "--year", YEAR, "--dry-run", "--json", env=env),
            "publish": fazhi("publish", "--year", YEAR, "--json", env=env),
            "reconcile": fazhi("reconcile", "--year", YEAR, "--json", env=env),
            "again": fazhi("publish", "--year", YEAR, "--json", env=env),
            "export": fazhi("export", "--year", YEAR, "--out", str(home / "export"), env=env),
        }
        yield home, env, said


def _json(lived, name):
    return json.loads(lived[2][name].stdout)


def test_every_planted_fault_that_reading_or_rules_can_see_is_found(lived, city):
    found = {
        (row["submission_id"], row["rule"], row["indicator_code"] or "") for row in _json(lived, "findings")
    }
    with city.faults.open(encoding="utf-8-sig", newline="") as file:
        planted = list(csv.DictReader(file))
    missed = [
        (row["submission_id"], row["rule"], row["indicator_code"])
        for row in planted
        if row["year"] == YEAR
        and row["corrected"] == "否"
        and not any(
            f[0] == row["submission_id"] and f[1] == row["rule"] and row["indicator_code"] in (f[2], "")
            for f in found
        )
    ]
    assert planted
    assert missed == []


def test_findings_stop_with_one_and_say_what_each_field_promises(lived):
    assert lived[2]["validate"].returncode == 1
    for row in _json(lived, "findings"):
        assert row["message_zh"]
        assert row["fix_zh"]
        assert row["severity"] in ("block", "hold", "warn", "note", "security")
        assert isinstance(row["related"], list)


def test_everything_scored_is_pushed_confirmed_and_not_pushed_again(lived):
    units = sum(region["scored"] for region in _json(lived, "dry")["regions"])
    assert _json(lived, "would")["due"] == units
    assert _json(lived, "publish")["sent"] == units
    reconciled = _json(lived, "reconcile")
    promised = {"year", "pending", "sent", "confirmed", "refused", "conflict"}
    assert set(_json(lived, "publish")) == set(reconciled) == promised
    assert _json(lived, "publish")["year"] == int(YEAR)
    assert {name: reconciled[name] for name in ("pending", "sent", "confirmed", "refused", "conflict")} == {
        "pending": 0,
        "sent": 0,
        "confirmed": units,
        "refused": 0,
        "conflict": 0,
    }
    assert lived[2]["reconcile"].returncode == 0
    assert _json(lived, "again")["confirmed"] == units


def test_an_independent_script_recomputes_every_digit(lived):
    home, _env, _said = lived
    done = subprocess.run(
        [
            sys.executable,
            str(PROJECT_ROOT / "tests" / "support" / "recompute.py"),
            str(home / "export"),
            str(PROJECT_ROOT / "include" / "indicator_systems" / "2021"),
            str(PROJECT_ROOT / "include" / "registry"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_explanation_names_component_score_and_cells(lived):
    home, env, _said = lived
    with (home / "export" / "results.csv").open(encoding="utf-8", newline="") as file:
        result = next(csv.DictReader(file))
    told = fazhi("score", "--year", YEAR, "--unit", result["unit_code"], "--explain", env=env).stdout
    assert result["component"] in told
    assert result["score"] in told


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("publish", "--year", YEAR, "--stage", "final"), 2, "签发"),
        (("template", "--unit", "X", "--period", "2023", "--out", "x.xlsx"), 2, "没有在"),
        (("template", "--unit", "X", "--period", "23", "--out", "x.xlsx"), 2, "报送期"),
        (("collect", "--year", YEAR, "--source", "fax"), 2, "fax"),
        (("score", "--year", YEAR, "--explain"), 2, "--unit"),
        (("score", "--year", "1999"), 2, "1999"),
        (("export", "--year", "1999", "--out", "x"), 2, "1999"),
        (("sandbox", "--port", "99999"), 2, "--port"),
        (("template", "--unit", "11150200MB1A010200", "--period", "2023", "--out", "/dev/null/x.xlsx"), 2, "不能读写"),
        (("synth", "--units", "1", "--years", "2023", "--out", "/dev/null/x"), 2, "不能读写"),
        (("synth", "--out", "x", "--years", "later"), 2, "--years"),
        (("decide", "na", "--unit", "X", "--indicator", "Q1", "--period", "2023", "--verdict", "approve",
          "--reason", "r", "--by", "b"), 2, "Q1"),
        (("decide", "na", "--unit", "X", "--indicator", "A1.1", "--period", "2023-13", "--verdict", "approve",
          "--reason", "r", "--by", "b"), 2, "报送期“2023-13”不可用"),
    ],
)  # fmt: skip
def test_wrong_use_ends_with_two_and_a_chinese_sentence(tmp_path, arguments, status, words):
    env = city_environment(tmp_path, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "fazhi.cli", *arguments], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("postgresql://person:geheim@127.0.0.1:1/fazhi", 3),
        ("mysql://person:geheim@127.0.0.1/fazhi", 2),
        ("no address", 2),
        ("sqlite:////dev/null/fazhi.db", 2),
        ("sqlite:///{home}/junk.db", 2),
    ],
)
@pytest.mark.parametrize("command", ["findings", "upgrade"])
def test_a_store_that_cannot_be_used_is_told_without_its_password(tmp_path, url, status, command):
    (tmp_path / "junk.db").write_bytes(b"no database at all" * 100)
    env = city_environment(tmp_path, tmp_path, FAZHI_STORE_URL=url.format(home=tmp_path))
    arguments = ("findings", "--year", YEAR) if command == "findings" else ("store", "upgrade")
    done = fazhi(*arguments, env=env, check=False)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "数据库" in done.stderr or "FAZHI_STORE_URL" in done.stderr
    assert "geheim" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["geheim at nowhere", "postgresql://person:geheim@host:port/fazhi"])
def test_settings_are_shown_even_where_the_stores_address_cannot_be_read(tmp_path, url):
    env = city_environment(tmp_path, tmp_path, FAZHI_STORE_URL=url)
    done = fazhi("settings", "--json", env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["store_url"]["origin"] == "environment FAZHI_STORE_URL"
    assert "geheim" not in done.stdout + done.stderr


def test_one_units_score_is_told_with_and_without_its_way(lived):
    home, env, _ = lived
    with (home / "export" / "results.csv").open(encoding="utf-8", newline="") as file:
        result = next(csv.DictReader(file))
    code = result["unit_code"]
    asked = ("score", "--year", YEAR, "--unit", code)
    assert f"得分：{result['score']}" in fazhi(*asked, env=env).stdout
    short = json.loads(fazhi(*asked, "--json", env=env).stdout)["result"]
    assert {name: str(value or "") for name, value in short.items()} == result
    way = json.loads(fazhi(*asked, "--explain", "--json", env=env).stdout)
    assert (way["unit_code"], way["score"], way["year"]) == (code, result["score"], int(YEAR))
    for name in ("inputs", "lines"):
        with (home / "export" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            own = [row for row in csv.DictReader(file) if row["unit_code"] == code]
        told = [{key: "" if value is None else str(value) for key, value in row.items()} for row in way[name]]
        assert told == own
    assert result["component"] in way["text_zh"]
    none = fazhi("score", "--year", YEAR, "--unit", "NOPE", env=env, check=False)
    assert (none.returncode, "NOPE" in none.stderr) == (2, True)


def test_a_platform_that_is_down_ends_with_three_and_loses_nothing(lived, tmp_path, city):
    env = city_environment(
        tmp_path,
        city.inbox,
        FAZHI_PLATFORM_URL="http://127.0.0.1:9",
        FAZHI_PLATFORM_APP_ID="app",
        FAZHI_PLATFORM_SECRET="secret",
    )
    for command in ("collect", "validate", "score"):
        fazhi(command, "--year", YEAR, env=env)
    done = fazhi("publish", "--year", YEAR, "--json", env=env, check=False)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    queued = json.loads(fazhi("outbox", "--year", YEAR, "--json", env=env).stdout)
    assert {row["state"] for row in queued} == {"pending"}


def test_a_portal_that_is_down_ends_with_three_after_the_folder_was_collected(tmp_path, city):
    env = city_environment(
        tmp_path, city.inbox, FAZHI_PORTAL_URL="http://127.0.0.1:9", FAZHI_PORTAL_TOKEN="token"
    )
    done = fazhi("collect", "--year", YEAR, "--json", env=env, check=False)
    assert done.returncode == 3, done.stderr
    assert "报送门户" in done.stderr
    assert "Traceback" not in done.stderr
    (folder,) = json.loads(done.stdout)
    assert folder["source"] == "folder"
    assert folder["new"] == folder["found"] > 0


def test_systems_are_listed_checked_and_compared(tmp_path):
    env = city_environment(tmp_path, tmp_path)
    listed = json.loads(fazhi("systems", "--json", env=env).stdout)
    assert [edition["system_id"] for edition in listed] == ["2021", "2024"]
    checked = fazhi(
        "systems", "check", str(PROJECT_ROOT / "include/indicator_systems/2024"), "--json", env=env
    )
    assert json.loads(checked.stdout)["digest"] == listed[1]["digest"]
    assert "A2.2" in fazhi("systems", "diff", "2021", "2024", env=env).stdout


def test_settings_hide_secrets(tmp_path):
    env = city_environment(tmp_path, tmp_path, FAZHI_PLATFORM_SECRET="do-not-show")
    told = fazhi("settings", "--json", env=env).stdout
    assert "do-not-show" not in told
    assert json.loads(told)["platform_secret"]["origin"] == "environment FAZHI_PLATFORM_SECRET"


def test_settings_hide_the_password_of_a_database(tmp_path):
    url = "postgresql+psycopg2://airflow:do-not-show@postgres/airflow"
    env = city_environment(tmp_path, tmp_path, FAZHI_METADATA_URL=url)
    told = fazhi("settings", "--json", env=env).stdout
    assert json.loads(told)["metadata_url"]["value"] == "postgresql+psycopg2://airflow:***@postgres/airflow"


def test_a_backup_by_the_command_line_has_the_ground_of_the_settings(tmp_path):
    env = city_environment(tmp_path, tmp_path)
    fazhi("store", "upgrade", env=env)
    told = fazhi("store", "backup", "--out", str(tmp_path / "backup"), env=env).stdout
    assert len(told.splitlines()) == 1
    assert "不含 Airflow 元数据" in told
    ground = json.loads((tmp_path / "backup" / "backup.json").read_text(encoding="utf-8"))["ground"]
    parts = {path.partition("/")[0] for path in ground}
    assert parts == {"indicator_systems", "registry", "holidays", "signers", "great_expectations"}


@pytest.mark.parametrize("encoding", ["ascii", "gb2312"])
def test_a_terminal_that_lacks_signs_gets_them_escaped(city, tmp_path, encoding):
    """The titles hold Chinese and a dash, which the one does not have at all and the other not in full."""
    env = city_environment(tmp_path, city.inbox, PYTHONIOENCODING=encoding)
    for arguments in (("systems", "--json"), ("systems",), ("systems", "check", "没有—这个文件夹")):
        done = subprocess.run(
            [sys.executable, "-m", "fazhi.cli", *arguments], capture_output=True, env=env, check=False
        )
        assert done.returncode == (2 if "check" in arguments else 0), done.stderr
        assert b"Traceback" not in done.stderr
        if "--json" in arguments:
            known = json.loads(fazhi("systems", "--json", env=city_environment(tmp_path, city.inbox)).stdout)
            assert json.loads(done.stdout.decode(encoding)) == known
