"""Settings: defaults under the project root, environment, Airflow connections first, secrets named as such."""

from types import SimpleNamespace

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.settings import PROJECT_ROOT, SECRET_SETTINGS, Settings


def test_defaults_lie_under_the_project_root_whatever_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.load(environ={})
    assert settings.store_url == f"sqlite:///{PROJECT_ROOT / 'var' / 'fazhi.db'}"
    assert settings.inbox == PROJECT_ROOT / "var" / "inbox"
    assert set(settings.origins.values()) == {"default"}


def test_the_environment_is_read_and_named_as_origin(tmp_path):
    settings = Settings.load(environ={"FAZHI_INBOX": str(tmp_path), "FAZHI_PLATFORM_SECRET": "s"})
    assert settings.inbox == tmp_path
    assert settings.origins["inbox"] == "environment FAZHI_INBOX"
    assert settings.platform_secret == "s"
    assert {"platform_secret", "portal_token"} == SECRET_SETTINGS


def test_a_connection_wins_over_the_environment():
    platform = SimpleNamespace(
        conn_type="http",
        schema="https",
        host="platform.example",
        port=8443,
        login="app",
        password="secret",
        extra_dejson={},
    )
    settings = Settings.load(
        environ={"FAZHI_PLATFORM_URL": "http://elsewhere", "FAZHI_PLATFORM_APP_ID": "other"},
        connection_of=lambda name: platform if name == "fazhi_platform" else None,
    )
    assert settings.platform_url == "https://platform.example:8443"
    assert (settings.platform_app_id, settings.platform_secret) == ("app", "secret")
    assert settings.origins["platform_url"] == "connection fazhi_platform"


def test_an_unknown_signature_algorithm_stops_at_once():
    with pytest.raises(ConfigurationError, match="hmac-md5"):
        Settings.load(environ={"FAZHI_PLATFORM_ALG": "hmac-md5"})
