"""Settings: everything the environment may say, what each variable means, and what is in force without it.

``settings()`` is the only door. Importing this module reads nothing and writes nothing.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent
MEBIBYTE = 2**20
LANGUAGES = {
    "ru": {"flag": "ru", "name": "Русский"},
    "kk": {"flag": "kz", "name": "Қазақша"},
    "en": {"flag": "gb", "name": "English"},
}


class SettingError(ValueError):
    """A variable has a value that cannot be used. The text is for the administrator to read as it is."""


# Readers: text from the environment -> value. A refusal says what is expected, and never repeats the
# value, which may be a password.


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise SettingError(f"нужно целое число от {low} до {high}")
        return int(value)

    return read


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise SettingError("нужно одно из: " + ", ".join(allowed))
        return value

    return read


def _switch(value: str) -> bool:
    if value.lower() in ("on", "1", "true", "yes"):
        return True
    if value.lower() in ("off", "0", "false", "no"):
        return False
    raise SettingError("нужно on или off")


def _folder(value: str) -> Path:
    return Path(value).expanduser().resolve()


def _host(value: str) -> str:
    if not re.fullmatch(r"[\w.-]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", value) or re.fullmatch(r"[^:]*:\d+", value):
        raise SettingError("нужен адрес или имя машины без порта, например 127.0.0.1")
    return value


def _hosts(value: str) -> list[str]:
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not names or not all(re.fullmatch(r"\.?\w[\w.-]*|\[[0-9a-f:.]+\]", name) for name in names):
        raise SettingError("нужны имена через запятую, без https:// и без порта, например ryadom.example.ru")
    return names


def _timezone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (OSError, ValueError, KeyError):  # no such zone; a folder of zones; a path instead of a name
        raise SettingError("нужно имя часового пояса, например Europe/Moscow или Asia/Almaty") from None


def _site(value: str) -> str:
    if not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?(/[\w./-]*)?", value):
        raise SettingError("нужен адрес вида https://ryadom.example.ru")
    return value.rstrip("/")


def _address(value: str) -> str:
    if not re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", value, re.ASCII):
        raise SettingError("нужен адрес электронной почты, например ryadom@example.ru")
    return value


def _plain(value: str) -> str:
    return value


def _secret(value: str) -> str:
    if len(value) < 32:
        raise SettingError("нужно не меньше 32 знаков")
    return value


def _database(value: str) -> str:
    """The address as SQLAlchemy needs it; hosting panels write ``postgres://``, which names no driver."""
    scheme, _, rest = value.partition("://")
    dialect = {
        "sqlite": "sqlite",
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "postgresql+psycopg": "postgresql+psycopg",
    }.get(scheme)
    # A SQLite in memory ("sqlite://") would be another database in every thread.
    if not dialect or not rest.strip("/") or rest == "/:memory:":
        raise SettingError("нужен адрес вида postgresql://имя:пароль@машина/база или sqlite:////папка/файл.sqlite3")
    return f"{dialect}://{rest}"


@dataclass(frozen=True)
class Setting:
    """One variable. An empty default means that it depends on others, and the meaning tells how."""

    name: str
    default: str
    meaning: str
    read: Callable[[str], Any]


SETTINGS = (
    Setting(
        "RYADOM_DATA",
        "",
        "Папка с базой SQLite, загруженными файлами и ключом. Без неё — data рядом с программой. "
        "У демонстрации — рядом с этой, с -demo на конце.",
        _folder,
    ),
    Setting(
        "DATABASE_URL",
        "",
        "База данных, postgresql://… или sqlite:///…. Без неё — ryadom.sqlite3 в папке данных. "
        "Демонстрация эту переменную не читает.",
        _database,
    ),
    Setting(
        "DEMO_DATABASE_URL",
        "",
        "База данных демонстрации, не та же, что DATABASE_URL. Без неё — ryadom.sqlite3 в её папке данных.",
        _database,
    ),
    Setting(
        "SECRET_KEY",
        "",
        "Ключ, которым подписаны сеансы, не меньше 32 знаков. Без него — secret.key в папке данных, "
        "созданный при первом запуске. Демонстрация берёт только свой.",
        _secret,
    ),
    Setting("HOST", "127.0.0.1", "Адрес, на котором сервер ждёт соединений.", _host),
    Setting("PORT", "8080", "Порт, на котором сервер ждёт соединений.", _number(1, 65535)),
    Setting("THREADS", "8", "Сколько запросов выполняется одновременно.", _number(1, 256)),
    Setting(
        "ALLOWED_HOSTS",
        "localhost,127.0.0.1,[::1]",
        "Имена, под которыми сайт открывают, через запятую; .example.ru — это и все поддомены. "
        "HOST добавлен всегда. Запросам к другим именам — отказ.",
        _hosts,
    ),
    Setting(
        "COOKIE_SECURE",
        "off",
        "Отдавать куки только по HTTPS. Включите, если сайт открывают по https://; без HTTPS с ней не войти.",
        _switch,
    ),
    Setting(
        "BEHIND_PROXY",
        "0",
        "Сколько доверенных прокси стоит перед сервером: скольким заголовкам X-Forwarded-* верить.",
        _number(0, 5),
    ),
    Setting("PAGE_SIZE", "25", "Сколько строк на странице списка.", _number(1, 200)),
    Setting("MAX_PAGE_SIZE", "200", "Сколько строк на странице можно попросить.", _number(1, 200)),
    Setting("MAX_UPLOAD_MB", "20", "Самый большой загружаемый файл, МиБ.", _number(1, 1024)),
    Setting("PRINT_SECONDS", "60", "Сколько секунд может готовиться печатная форма.", _number(1, 3600)),
    Setting("PRINT_MEMORY_MB", "1024", "Сколько памяти может занять её подготовка, МиБ.", _number(128, 65536)),
    Setting("LOCALE", "ru", "Язык для тех, кто не выбрал свой.", _choice(*LANGUAGES)),
    Setting("TIMEZONE", "Europe/Moscow", "Часовой пояс организаций, у которых нет своего.", _timezone),
    Setting(
        "SMTP_HOST",
        "",
        "Почтовый сервер, через который уходят напоминания и недельная сводка. Без него письма не готовятся и не "
        "отправляются. Демонстрация писем не отправляет.",
        _host,
    ),
    Setting("SMTP_PORT", "587", "Порт почтового сервера.", _number(1, 65535)),
    Setting(
        "SMTP_TLS",
        "starttls",
        "Как защищено соединение с ним: starttls (обычно порт 587), tls (обычно 465) "
        "или off — только внутри своей сети.",
        _choice("starttls", "tls", "off"),
    ),
    Setting("SMTP_USER", "", "Имя для входа на почтовый сервер; без него программа не представляется.", _plain),
    Setting("SMTP_PASSWORD", "", "Пароль для входа на почтовый сервер.", _plain),
    Setting("SMTP_SECONDS", "20", "Сколько секунд ждать ответа почтового сервера.", _number(1, 300)),
    Setting("MAIL_FROM", "", "Адрес, от которого уходят письма. Нужен, когда задан SMTP_HOST.", _address),
    Setting(
        "SITE_URL",
        "",
        "Адрес, по которому программу открывают: ссылки в письмах ведут на него. Нужен, когда задан SMTP_HOST.",
        _site,
    ),
    Setting("MAIL_HOUR", "8", "С какого часа (по времени получателя) готовятся письма дня.", _number(0, 23)),
    Setting("LOG_LEVEL", "INFO", "Подробность журнала.", _choice("DEBUG", "INFO", "WARNING", "ERROR")),
)


def settings(environ: Mapping[str, str] = os.environ, demo: bool = False) -> dict[str, object]:
    """Flask's configuration from the environment. Makes the data folder and, if none is given, the key.

    The demonstration is open to anyone, so it shares nothing with the real data: it has its own folder,
    database, key and cookie, whatever the environment says of the real ones.
    """
    given = _given(environ)
    if given["PAGE_SIZE"] > given["MAX_PAGE_SIZE"]:
        raise SettingError("PAGE_SIZE: нужно число не больше MAX_PAGE_SIZE")

    for name in ("MAIL_FROM", "SITE_URL") if "SMTP_HOST" in given else ():
        if name not in given:
            raise SettingError(f"{name}: нужен, когда задан SMTP_HOST")

    data: Path = given.get("RYADOM_DATA", HERE / "data")
    database, key = given.get("DATABASE_URL"), given.get("SECRET_KEY")
    if demo:
        if database and database == given.get("DEMO_DATABASE_URL"):
            raise SettingError("DEMO_DATABASE_URL: нужна другая база, чем в DATABASE_URL")
        data = data.with_name(f"{data.name}-demo")
        database, key = given.get("DEMO_DATABASE_URL"), None
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = database or f"sqlite:///{(data / 'ryadom.sqlite3').as_posix()}"

    return {
        **{name: value for name, value in given.items() if not name.endswith("DATABASE_URL")},
        "DEMO": demo,
        "RYADOM_DATA": data,
        "SMTP_HOST": None if demo else given.get("SMTP_HOST"),
        "ALLOWED_HOSTS": _allowed(given["ALLOWED_HOSTS"], given["HOST"]),
        # Flask
        "SECRET_KEY": key or _kept_key(data / "secret.key"),
        "SESSION_COOKIE_NAME": "ryadom_demo" if demo else "ryadom",  # ports do not separate cookies
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": given["COOKIE_SECURE"],
        "MAX_CONTENT_LENGTH": (given["MAX_UPLOAD_MB"] + 1) * MEBIBYTE,  # the file, and the form around it
        "MAX_FORM_MEMORY_SIZE": 2 * MEBIBYTE,  # a long plan is posted whole; Flask allows 0.5 MB
        "MAX_FORM_PARTS": 10_000,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a form may stay open for half a day
        # The database
        "SQLALCHEMY_DATABASE_URI": database,
        "SQLALCHEMY_ENGINE_OPTIONS": {} if database.startswith("sqlite:") else {"pool_pre_ping": True},
        # Flask-AppBuilder: the schema is Alembic's, permissions are synchronised by a command, and the
        # stock screens of users and roles are replaced.
        "APP_NAME": "Рядом",
        "AUTH_TYPE": 1,  # its number for "users are kept in the database"
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_VIEWS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_API_SWAGGER_UI": False,
        "FAB_API_MAX_PAGE_SIZE": given["MAX_PAGE_SIZE"],
        # Languages
        "LANGUAGES": LANGUAGES,
        "BABEL_DEFAULT_LOCALE": given["LOCALE"],
        "BABEL_DEFAULT_TIMEZONE": given["TIMEZONE"],
        "BABEL_TRANSLATION_DIRECTORIES": str(HERE / "translations"),
    }


def has_database(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a database to work with. Looking makes nothing: neither a file nor a folder."""
    given = _given(environ)
    if url := given.get("DATABASE_URL"):
        return not url.startswith("sqlite:") or Path(url.partition(":///")[2]).exists()
    return (given.get("RYADOM_DATA", HERE / "data") / "ryadom.sqlite3").exists()


def _given(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for setting in SETTINGS:
        # Empty is unset: so docker compose and systemd pass on a variable that nobody filled in.
        if text := environ.get(setting.name, "").strip() or setting.default:
            try:
                values[setting.name] = setting.read(text)
            except SettingError as error:
                raise SettingError(f"{setting.name}: {error}") from None
    return values


def _allowed(names: list[str], host: str) -> list[str]:
    """The names, and the address listened on, unless that is "every address", which nobody types."""
    if host in ("0.0.0.0", "::"):
        return names
    return list(dict.fromkeys([*names, f"[{host}]" if ":" in host else host.lower()]))


def _kept_key(path: Path) -> str:
    """The key in the file, made at the first start. Of processes that start at once, all get the same."""
    if not path.exists():
        # Written aside, then put in place whole by a call that refuses to replace what is already there:
        # nobody reads half a key, and the first key wins. mkstemp's mode is 0600.
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".key-")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            (os.rename if os.name == "nt" else os.link)(aside, path)
        except FileExistsError:
            pass
        finally:
            Path(aside).unlink(missing_ok=True)
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 32:
        raise SettingError(f"SECRET_KEY: файл {path} испорчен; удалите его, и ключ будет создан заново")
    return key
