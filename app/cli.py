"""The command ``ryadom``. Each command imports what it needs when it runs: ``--help`` waits for nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session

    from app.kernel.grants import Grant, SyncReport
    from app.preparation import Prepared


class Trouble(click.ClickException):
    """What went wrong, in words for the administrator."""

    def show(self, file: Any = None) -> None:
        click.echo(f"Не получилось. {self.message}", file=file, err=file is None)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """«Рядом»: учёт социального сопровождения семей."""


def make_app(demo: bool = False) -> Flask:
    from app.factory import WrongDeclarations, create_app
    from config import SettingError

    try:
        return create_app(demo=demo)
    except SettingError as wrong:
        raise Trouble(f"Настройка {wrong}.") from None
    except WrongDeclarations as wrong:
        raise Trouble(f"В объявлениях сущностей ошибки:\n{wrong}") from None


@contextmanager
def working(app: Flask) -> Iterator[Session]:
    """A session that sees everything, in the application's context."""
    from app.kernel.orm import acting_as
    from app.preparation import session_of

    with app.app_context():
        session = session_of(app)
        with acting_as(session):
            yield session


def ready_app(demo: bool = False) -> Flask:
    """An application whose database needs no preparation; any other is sent to ``upgrade`` first."""
    from app.kernel.database import is_current
    from app.preparation import engine_of

    app = make_app(demo)
    with database_trouble():
        current = is_current(engine_of(app))
    if not current:
        raise Trouble("База не готова для этой программы. Сначала: ryadom upgrade" + " --demo" * demo)
    return app


@contextmanager
def database_trouble() -> Iterator[None]:
    """Say in plain words that the database does not answer, or is newer than the program."""
    from sqlalchemy.exc import OperationalError

    from app.kernel.database import Newer

    try:
        yield
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise Trouble(f"База данных не отвечает: {reason}") from None
    except Newer:
        raise Trouble("Эта база новее программы или не от неё. Обновите программу.") from None


def get_ready(app: Flask) -> Prepared:
    from app.preparation import prepare

    with database_trouble():
        prepared = prepare(app)
    if prepared.migrated:
        click.echo("База данных приведена к этой версии программы.")
    if prepared.presets:
        click.echo(f"Добавлено записей справочников: {prepared.presets}.")
    if prepared.roles is not None:
        tell_roles(prepared.roles)
    if prepared.first_password:
        from app.preparation import FIRST_LOGIN

        click.echo(f"\n  Первый вход — логин {FIRST_LOGIN}, одноразовый пароль {prepared.first_password}")
        click.echo("  Пароль показан один раз и нигде не сохранён; при входе программа попросит свой.\n")
    return prepared


def prepared_app() -> Flask:
    app = make_app()
    get_ready(app)
    return app


# --- Serving ----------------------------------------------------------------------------------------------


@main.command()
@click.option("--demo", is_flag=True, help="Показать на выдуманных людях; настоящие данные не затрагиваются.")
@click.option("--host", help="Адрес вместо HOST.")
@click.option("--port", help="Порт вместо PORT.")
def serve(demo: bool, host: str | None, port: str | None) -> None:
    """Запустить сервер; новую или прежней версии базу сначала подготовить."""
    import signal

    import waitress

    os.environ.update({name: value for name, value in (("HOST", host), ("PORT", port)) if value})
    app = make_app(demo)
    get_ready(app)
    config = app.config
    try:
        server = waitress.create_server(
            app,
            host=config["HOST"],
            port=config["PORT"],
            threads=config["THREADS"],
            ident=None,
            # Forwarded headers are judged by the application, which knows how many proxies to trust.
            clear_untrusted_proxy_headers=not config["BEHIND_PROXY"],
            connection_limit=400,  # a browser keeps six of them open: some sixty colleagues at once
            max_request_body_size=2 * config["MAX_CONTENT_LENGTH"],
        )
    except OSError as error:
        raise Trouble(f"Адрес {config['HOST']}:{config['PORT']} не занять: {error.strerror}.") from None
    if demo:
        tell_demo_logins()
    click.echo(f"«Рядом» открыт: {address(config['HOST'], config['PORT'])}  (остановить — Ctrl+C)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.run()  # ends, with the requests under way, on Ctrl+C and on SIGTERM


def address(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


def tell_demo_logins() -> None:
    from app.demo import LOGINS, PASSWORD

    click.echo("Войти в демонстрацию:")
    for login, role in LOGINS.items():
        click.echo(f"  {login:<12} {PASSWORD}  {role}")


# --- The database -----------------------------------------------------------------------------------------


@main.command()
@click.option("--demo", is_flag=True, help="Базу демонстрации.")
def upgrade(demo: bool) -> None:
    """Подготовить базу: схема, справочники, роли, первый администратор."""
    prepared = get_ready(make_app(demo))
    if not (prepared.migrated or prepared.roles):
        click.echo("База уже готова.")


@main.command()
def demo() -> None:
    """Наполнить базу демонстрации и показать логины."""
    get_ready(make_app(demo=True))
    tell_demo_logins()


@main.command()
@click.argument("file", type=click.Path(dir_okay=False))
def backup(file: str) -> None:
    """Сделать копию базы и сканов в одном файле; работу не останавливает."""
    from pathlib import Path

    from app.kernel.backup import NotDone, make
    from app.preparation import engine_of

    app = ready_app()
    try:
        count = make(engine_of(app), app.config["RYADOM_DATA"], Path(file))
    except NotDone as reason:
        raise Trouble(str(reason)) from None
    click.echo(f"Копия готова: {file}, сканов в ней {count}. Унесите её на другой диск: в ней личные данные людей.")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def restore(file: str) -> None:
    """Поставить копию на пустое место; поверх имеющейся базы не ставит."""
    from pathlib import Path

    from app.kernel.backup import NotDone
    from app.kernel.backup import restore as put_back
    from app.preparation import engine_of

    app = make_app()
    try:
        with database_trouble():
            count = put_back(engine_of(app), app.config["RYADOM_DATA"], Path(file))
    except NotDone as reason:
        raise Trouble(str(reason)) from None
    click.echo(f"Копия поставлена, сканов {count}. Теперь запустите программу.")


@main.command("sync-roles")
@click.option("--restore", metavar="РОЛЬ", multiple=True, help="Вернуть роль к поставляемой.")
@click.option("--all", "every", is_flag=True, help="Вернуть к поставляемым все роли.")
def sync_roles(restore: tuple[str, ...], every: bool) -> None:
    """Выдать ролям новые права и показать, чем роли отличаются от поставляемых."""
    from app import roles
    from app.kernel.database import exclusive
    from app.preparation import engine_of, sync

    app = ready_app()
    with exclusive(engine_of(app)), working(app) as session:
        shipped = [role.name for role in roles.SHIPPED]
        wanted = shipped if every else [role_name(session, role) for role in restore]
        if own := sorted(set(wanted) - set(shipped)):
            raise Trouble(f"Роль «{own[0]}» не поставляется с программой: возвращать не к чему.")
        report = sync(session, wanted)
        session.commit()
    tell_roles(report)
    if not report.differences:
        click.echo("Роли такие, как поставляются.")


def tell_roles(report: SyncReport) -> None:
    def words(grant: Grant) -> str:
        return f"{grant[1]}: {grant[0].removeprefix('can_')}"

    if report.created_roles:
        click.echo(f"Заведены роли: {', '.join(report.created_roles)}.")
    for role in report.restored:
        click.echo(f"Возвращена к поставляемой: {role}.")
    for role, granted in report.granted.items():
        if role not in report.created_roles:
            click.echo(f"{role}: выдано новое: {', '.join(map(words, granted))}.")
    for grant in report.forgotten:
        click.echo(f"Больше нет: {words(grant)}.")
    for role, found in report.differences.items():
        click.echo(f"{role} отличается от поставляемой:")
        for sign, listed in (("+", found.added), ("-", found.removed)):
            for grant in listed:
                click.echo(f"  {sign} {words(grant)}")
        if found.reach:
            click.echo(f"  видит: {found.reach[0].name} → {found.reach[1].name}")


@main.command()
@click.option("--families", default=1000, show_default=True, help="Сколько семей.")
@click.option("--seed", default=1, show_default=True, help="То же число — те же семьи.")
@click.option("--demo", is_flag=True, help="В базу демонстрации.")
def generate(families: int, seed: int, demo: bool) -> None:
    """Добавить выдуманные семьи: проверить скорость на большом объёме."""
    from sqlalchemy import select

    from app.families.models import Family
    from app.generate import generate as add

    app = make_app(demo)
    get_ready(app)
    with working(app) as session:
        if not demo and sys.stdin.isatty() and session.scalars(select(Family.id).limit(1)).first():
            click.confirm("В базе уже есть семьи. Добавить к ним выдуманные?", abort=True)
        add(session, families, seed)
        session.commit()
    click.echo(f"Добавлено семей: {families}.")


# --- People -----------------------------------------------------------------------------------------------


def role_name(session: Session, wanted: str) -> str:
    """A role by its name, by its English title, or by its title in the language of the program."""
    from flask_babel import gettext

    from app import roles
    from app.kernel.grants import role_names

    names: dict[str, str] = {name: name for name in role_names(session)}
    for role in roles.SHIPPED:
        names |= {role.title: role.name, gettext(role.title): role.name}
    folded = {title.casefold(): name for title, name in names.items()}
    if wanted.casefold() not in folded:
        raise Trouble(f"Нет роли «{wanted}». Есть: {', '.join(sorted(set(names.values())))}.")
    return folded[wanted.casefold()]


def named(session: Session, entity: Any, name: str, **values: Any) -> Any:
    """The record of this name; a new one when there is none, and then it is said aloud: a slip is seen at once."""
    from flask_babel import gettext
    from sqlalchemy import select

    from app.kernel.orm import fold

    for record in session.scalars(select(entity).order_by(entity.name)):
        if fold(record.name) == fold(name):
            return record
    session.add(record := entity(name=name, **values))
    session.flush()
    click.echo(f"В базе такой записи не было, добавлена: {gettext(entity.__admin__.one)} «{name}».")
    return record


def municipality_named(session: Session, name: str) -> Any:
    """A municipality, in the region the shipped dictionary puts it to."""
    from app.presets import UNKNOWN_REGION, region_of
    from app.territory.models import Municipality, Region

    region = named(session, Region, region_of(name) or UNKNOWN_REGION)
    return named(session, Municipality, name, region=region)


@main.command("create-user")
@click.argument("login")
@click.option("--role", "roles", required=True, multiple=True, help="Роль, по-русски или по-английски.")
@click.option("--organisation", help="Название организации, где человек работает.")
@click.option(
    "--municipality",
    help="Муниципальное образование, если не то, что у организации. Без организации человек работает в органе власти, "
    "который называется как оно само.",
)
@click.option("--name", default="", help="Фамилия, имя, отчество.")
@click.option("--password-stdin", is_flag=True, help="Прочитать пароль из стандартного ввода.")
def create_user(
    login: str,
    roles: tuple[str, ...],
    organisation: str | None,
    municipality: str | None,
    name: str,
    password_stdin: bool,
) -> None:
    """Завести учётную запись."""
    from app.kernel import users
    from app.territory.models import Organisation, OrganisationKind, Staff

    app = make_app()
    get_ready(app)
    with working(app) as session:
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else users.one_time_password()
        if fault := users.password_fault(password, login):
            raise Trouble(fault)
        staff = None
        if organisation or municipality:
            place = municipality_named(session, municipality) if municipality else None
            # Somebody of a territory and of no organisation of ours works for its authorities.
            kind = OrganisationKind.NGO if organisation else OrganisationKind.AUTHORITY
            owner = named(session, Organisation, organisation or municipality or "", kind=kind, municipality=place)
            staff = Staff(name=name or login, organisation=owner, municipality=place)
            session.add(staff)
            session.flush()
        try:
            users.create_user(
                session,
                login,
                password,
                [role_name(session, role) for role in roles],
                staff,
                name,
                must_change=not password_stdin,
            )
        except users.Refusal as refusal:
            raise Trouble(str(refusal)) from None
        session.commit()
    click.echo(f"Учётная запись {users.fold_login(login)} заведена.")
    if not password_stdin:
        click.echo(f"Одноразовый пароль: {password}")


@main.command()
def terms() -> None:
    """Пересчитать сроки случаев, которые этого ждут; запускает планировщик, можно сколько угодно раз."""
    click.echo(f"Пересчитано случаев: {settle_terms(ready_app())}.")


def settle_terms(app: Flask) -> int:
    """Settle in bounded portions, each in a transaction of its own; how many cases there were."""
    from app.deadlines.engine import settle_marked

    total = 0
    with working(app) as session:
        while count := settle_marked(session.connection()):
            session.commit()
            total += count
    return total


@main.command()
def post() -> None:
    """Приготовить письма дня и отправить те, что ждут; запускает планировщик, можно сколько угодно раз."""
    from app.kernel.orm import now
    from app.post.making import make
    from app.post.sending import Mailer, send

    app = ready_app()
    settle_terms(app)
    if not app.config["SMTP_HOST"]:
        click.echo("Почта не настроена (SMTP_HOST): письма не готовятся и не отправляются.")
        return
    made = make(app, now())
    with working(app) as session:
        done = send(session, Mailer(app.config), now())
    click.echo(f"Приготовлено писем: {made}. Отправлено: {done.sent}, ждут: {done.waiting}, не ушло: {done.failed}.")


# --- Data and declarations --------------------------------------------------------------------------------


@contextmanager
def trying() -> Iterator[Flask]:
    """An application to try something with. Where there is no database yet, one is made aside and goes afterwards."""
    from tempfile import TemporaryDirectory

    from app.preparation import engine_of, prepare
    from config import has_database

    if has_database():
        yield ready_app()
        return
    known = dict(os.environ)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["RYADOM_DATA"] = folder
        os.environ.pop("DATABASE_URL", None)
        try:
            app = make_app()
            prepare(app)
            yield app
            engine_of(app).dispose()
        finally:
            os.environ.clear()
            os.environ.update(known)


@main.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Только проверить и показать, что изменится.")
@click.option("--organisation", help="Чей это случай; не нужно, если организация одна.")
def import_(file: str, dry_run: bool, organisation: str | None) -> None:
    """Внести случай из книги Excel."""
    from sqlalchemy import select

    from app.journal.case_workbook import import_case
    from app.kernel.writing import Conflict, Refused
    from app.territory.models import OWN_ORGANISATION, Organisation

    with trying() if dry_run else nullcontext(prepared_app()) as app, working(app) as session:
        owners = [] if organisation else session.scalars(select(Organisation).limit(2)).all()
        if len(owners) > 1:
            raise Trouble("Укажите, чей это случай: --organisation НАЗВАНИЕ.")
        owner = owners[0] if owners else named(session, Organisation, organisation or OWN_ORGANISATION)
        try:
            report = import_case(session, file, organisation=owner, dry_run=dry_run)
        except (Refused, Conflict) as error:
            raise Trouble(f"База не приняла запись: {error}") from None
        if report.accepted and not dry_run:
            session.commit()
        tell_import(report)
    if not report.accepted:
        raise Trouble("В книге ошибки, ничего не записано.")


def tell_import(report: Any) -> None:
    from flask_babel import gettext

    import models
    from app.kernel.schema import schema_of

    schemas = {entity.__name__: schema_of(entity) for entity in models.ENTITIES}

    def words(remark: Any) -> str:
        where = " ".join(str(part) for part in (remark.sheet, remark.row, remark.column) if part)
        reason = gettext(remark.reason) % remark.facts
        value = f" («{remark.value}»)" if remark.value else ""
        return f"{where}: {reason}{value}" if where else f"{reason}{value}"

    for title, remarks in (("Ошибка", report.mistakes), ("Внимание", report.warnings)):
        for remark in remarks:
            click.echo(f"{title}. {words(remark)}")
    for name, count in report.counts.items():
        click.echo(
            f"{gettext(schemas[name].admin.title)}: добавлено {count.added}, изменено {count.changed}, "
            f"без изменений {count.unchanged}, только в базе {count.only_here}"
        )
    for change in report.changes:
        label = gettext(schemas[change.entity].field(change.field).label)
        click.echo(f"  {change.record} · {label}: {change.old or '—'} → {change.new or '—'}")
    if report.dry_run and report.accepted:
        click.echo("Это была проверка: ничего не записано.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Для программ.")
def describe(as_json: bool) -> None:
    """Рассказать, что хранится: сущности, поля, экраны, API, права."""
    import json

    import models
    from app.kernel.describe import describe as described

    with make_app().app_context():
        entities = described(models.ENTITIES)
    if as_json:
        click.echo(json.dumps(entities, ensure_ascii=False, indent=2))
        return
    for entity in entities:
        click.echo(f"{entity['title']}  [{entity['entity']}, таблица {entity['table']}]")
        if entity["help"]:
            click.echo(f"  {entity['help']}")
        for field in entity["fields"]:
            mark = "*" if field["required"] else " "
            target = f" → {field['target']}" if field["target"] else ""
            click.echo(f"  {mark} {field['label']}  ({field['name']}: {field['type'] or field['kind']}{target})")
        click.echo(f"  экран {entity['screens']['list']}, API {entity['api'][0].split()[1]}")
        for title in entity["prints"].values():
            click.echo(f"  печать: {title}")
        for role, flags in entity["roles"].items():
            click.echo(f"  {role}: {', '.join(flags)}")
        click.echo()


@main.command()
def check() -> None:
    """Проверить программу: объявления, миграции, переводы."""
    import tempfile
    from pathlib import Path

    from sqlalchemy import create_engine

    import models
    from app.kernel import catalogues, database

    make_app()  # refuses wrong declarations
    root = Path(__file__).resolve().parents[1]
    faults = catalogues.faults(root / "translations", root)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder).as_posix()}/check.sqlite3"
        engine = create_engine(url, **database.engine_options(url))
        database.prepare_engine(engine)
        database.upgrade(engine)
        faults += [f"миграции отстали от моделей: {each}" for each in database.differences(engine, models.metadata)]
        engine.dispose()
    for fault in faults:
        click.echo(str(fault))
    if faults:
        raise Trouble(f"Найдено: {len(faults)}.")
    click.echo("Объявления, миграции и переводы в порядке.")


if __name__ == "__main__":
    main()
