"""Settings: what an environment gives, what it may not say, and what keeps the demonstration apart."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import config

LONG = "k" * 32


@pytest.fixture
def env(tmp_path):
    return {"RYADOM_DATA": str(tmp_path / "data")}


def test_an_empty_environment_is_safe(env, tmp_path):
    got = config.settings(env)
    data = tmp_path / "data"
    expected = {
        "DEMO": False,
        "RYADOM_DATA": data,
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{data.as_posix()}/ryadom.sqlite3",
        "SQLALCHEMY_ENGINE_OPTIONS": {},
        "HOST": "127.0.0.1",
        "PORT": 8080,
        "THREADS": 8,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "BEHIND_PROXY": 0,
        "PAGE_SIZE": 25,
        "MAX_PAGE_SIZE": 200,
        "FAB_API_MAX_PAGE_SIZE": 200,
        "MAX_CONTENT_LENGTH": 21 * 2**20,
        "PRINT_SECONDS": 60,
        "PRINT_MEMORY_MB": 1024,
        "BABEL_DEFAULT_LOCALE": "ru",
        "BABEL_DEFAULT_TIMEZONE": "Europe/Moscow",
        "BABEL_TRANSLATION_DIRECTORIES": str(config.HERE / "translations"),
        "LOG_LEVEL": "INFO",
        "SESSION_COOKIE_NAME": "ryadom",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "AUTH_TYPE": 1,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_VIEWS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_API_SWAGGER_UI": False,
    }
    assert {name: got[name] for name in expected} == expected
    assert {code: language["name"] for code, language in got["LANGUAGES"].items()} == {
        "ru": "Русский",
        "kk": "Қазақша",
        "en": "English",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"DATABASE_URL": "postgresql://u:p@h/d"},
            {"SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://u:p@h/d"},
        ),
        ({"DATABASE_URL": "postgres://u@h/d"}, {"SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://u@h/d"}),
        (
            {"DATABASE_URL": "postgresql+psycopg://h/d"},
            {"SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://h/d"},
        ),
        ({"DATABASE_URL": "postgres://h/d"}, {"SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True}}),
        ({"DATABASE_URL": "sqlite:////srv/r.db"}, {"SQLALCHEMY_DATABASE_URI": "sqlite:////srv/r.db"}),
        ({"SECRET_KEY": LONG}, {"SECRET_KEY": LONG}),
        ({"PORT": ""}, {"PORT": 8080}),
        ({"PORT": " 443 "}, {"PORT": 443}),
        (
            {"ALLOWED_HOSTS": "Ryadom.example.ru, .kz"},
            {"ALLOWED_HOSTS": ["ryadom.example.ru", ".kz", "127.0.0.1"]},
        ),
        ({"HOST": "10.0.0.5"}, {"ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]", "10.0.0.5"]}),
        ({"HOST": "fd00::5"}, {"ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]", "[fd00::5]"]}),
        ({"HOST": "0.0.0.0"}, {"ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"]}),
        ({"COOKIE_SECURE": "on"}, {"SESSION_COOKIE_SECURE": True}),
        ({"COOKIE_SECURE": "False"}, {"SESSION_COOKIE_SECURE": False}),
        ({"MAX_UPLOAD_MB": "5"}, {"MAX_CONTENT_LENGTH": 6 * 2**20}),
        (
            {"LOCALE": "kk", "TIMEZONE": "Asia/Almaty"},
            {"BABEL_DEFAULT_TIMEZONE": "Asia/Almaty", "LOCALE": "kk"},
        ),
        ({}, {"SMTP_HOST": None, "SMTP_PORT": 587, "SMTP_TLS": "starttls", "MAIL_HOUR": 8}),
        (
            {"SMTP_HOST": "mail.example.ru", "MAIL_FROM": "r@example.ru", "SITE_URL": "https://ryadom.example.ru/"},
            {"SMTP_HOST": "mail.example.ru", "MAIL_FROM": "r@example.ru", "SITE_URL": "https://ryadom.example.ru"},
        ),
        ({"BEHIND_PROXY": "1", "LOG_LEVEL": "DEBUG"}, {"BEHIND_PROXY": 1, "LOG_LEVEL": "DEBUG"}),
    ],
)
def test_a_variable_is_followed(env, given, expected):
    got = config.settings(env | given)
    assert {name: got[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("PORT", wrong) for wrong in ("0", "65536", "-1", "8080.0", "８０８０", "http", "1e3", "9" * 5000)],
        *[("THREADS", wrong) for wrong in ("0", "many")],
        *[("BEHIND_PROXY", wrong) for wrong in ("-1", "yes", "6")],
        *[("PAGE_SIZE", wrong) for wrong in ("0", "201", "25 rows")],
        *[("COOKIE_SECURE", wrong) for wrong in ("maybe", "2", "да")],
        *[("HOST", wrong) for wrong in ("127.0.0.1:8080", "http://a", "a b", "a:8080")],
        *[("ALLOWED_HOSTS", wrong) for wrong in ("*", "https://a.ru", "a.ru:443", ",", "a b")],
        *[("TIMEZONE", wrong) for wrong in ("Moscow", "../etc/passwd", "Europe", "/etc/localtime", "UTC\0")],
        *[("LOCALE", wrong) for wrong in ("de", "ru_RU", "RU")],
        *[("LOG_LEVEL", wrong) for wrong in ("info", "LOUD")],
        *[("SECRET_KEY", wrong) for wrong in ("short", "k" * 31)],
        *[("DATABASE_URL", wrong) for wrong in ("mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:", "r.db")],
        *[("SMTP_HOST", wrong) for wrong in ("smtp://mail.example.ru", "mail.example.ru:25", "a b")],
        *[("SMTP_PORT", wrong) for wrong in ("0", "smtp")],
        *[("SMTP_TLS", wrong) for wrong in ("on", "ssl")],
        *[("MAIL_FROM", wrong) for wrong in ("ryadom", "a@b", "a@b.ru\nBcc: c@d.ru", "Рядом <a@b.ru>")],
        *[("SITE_URL", wrong) for wrong in ("ryadom.example.ru", "ftp://a.ru", "https://a.ru/?q=1", "https://a b")],
        *[("DEMO_DATABASE_URL", wrong) for wrong in ("oracle://hunter2", "postgresql://")],
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(env, name, value):
    with pytest.raises(config.SettingError) as error:
        config.settings(env | {name: value})
    assert str(error.value).startswith(f"{name}: нуж")
    assert "hunter2" not in str(error.value)


def test_the_demonstration_shares_nothing_with_the_real_data(env, tmp_path):
    real = env | {"DATABASE_URL": "postgresql://h/real", "SECRET_KEY": LONG}
    demo = config.settings(real, demo=True)
    assert demo["RYADOM_DATA"] == tmp_path / "data-demo"
    assert demo["SQLALCHEMY_DATABASE_URI"].endswith("data-demo/ryadom.sqlite3")
    assert demo["SECRET_KEY"] != LONG
    assert demo["SESSION_COOKIE_NAME"] != config.settings(real)["SESSION_COOKIE_NAME"]


@pytest.mark.parametrize("missing", ["MAIL_FROM", "SITE_URL"])
def test_the_post_needs_its_settings_together(env, missing):
    whole = {"SMTP_HOST": "mail.example.ru", "MAIL_FROM": "r@example.ru", "SITE_URL": "https://a.ru"}
    with pytest.raises(config.SettingError, match=f"{missing}: нужен"):
        config.settings(env | {name: value for name, value in whole.items() if name != missing})
    assert config.settings(env | whole, demo=True)["SMTP_HOST"] is None, "the demonstration writes to nobody"


def test_the_demonstration_takes_only_a_database_of_its_own(env):
    both = env | {"DATABASE_URL": "postgresql://h/real", "DEMO_DATABASE_URL": "postgres://h/demo"}
    assert config.settings(both, demo=True)["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://h/demo"
    assert config.settings(both)["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://h/real"
    with pytest.raises(config.SettingError, match="DEMO_DATABASE_URL"):
        config.settings(both | {"DEMO_DATABASE_URL": "postgres://h/real"}, demo=True)


def test_the_key_is_made_once_and_kept(env, tmp_path):
    with ThreadPoolExecutor(16) as pool:
        keys = {found["SECRET_KEY"] for found in pool.map(config.settings, [env] * 64)}
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    data = tmp_path / "data"
    assert [path.name for path in data.iterdir()] == ["secret.key"]  # nothing is left aside
    if os.name == "posix":
        assert (data / "secret.key").stat().st_mode & 0o777 == 0o600
        assert data.stat().st_mode & 0o777 == 0o700


def test_a_spoilt_key_is_not_used(env, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text("")
    with pytest.raises(config.SettingError, match=r"secret\.key"):
        config.settings(env)


def test_every_setting_is_documented_once():
    names = [setting.name for setting in config.SETTINGS]
    assert len(names) == len(set(names))
    assert all(setting.meaning.endswith(".") for setting in config.SETTINGS)


def test_importing_touches_nothing(tmp_path):
    """Not even the default data folder; tools import this module only to print the settings."""
    program = "import sys, config; assert not {'flask', 'sqlalchemy'} & set(sys.modules)"
    copy = tmp_path / "config.py"
    copy.write_text(Path(config.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run([sys.executable, "-B", "-c", program], cwd=tmp_path, check=True, env=os.environ | {"PORT": "wrong"})
    assert [path.name for path in tmp_path.iterdir()] == ["config.py"]
