"""Letters from the desk to a mail server on a socket: once each, again when it fails, and without a name in them."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.cases.models import Case
from app.families.models import Family
from app.kernel.orm import now
from app.post import rules
from app.post.making import make
from app.post.models import MAIL_CHOICE, Letter, LetterKind, LetterState
from app.post.sending import Mailer, Sent, send
from app.procedures.models import Procedure
from app.roles import ADMINISTRATOR, CURATOR, SECRETARY, SUPERVISOR
from app.signals.models import Signal
from app.territory.kinds import Zone
from app.territory.models import Organisation, Staff
from tests.post.smtp import Server, serving
from tests.running import Person, login, working

ROOT = Path(__file__).resolve().parents[2]
MONDAY, TUESDAY = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC), dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def posting(app: Flask, server: Server) -> Iterator[Flask]:
    """The application with the post set up."""
    settings = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.port, "SMTP_TLS": "off", "SMTP_SECONDS": 1,
                "SMTP_USER": "", "MAIL_FROM": "ryadom@example.org", "SITE_URL": "https://ryadom.example.org",
                "MAIL_HOUR": 8}  # fmt: skip
    before = {name: app.config.get(name) for name in settings}
    app.config.update(settings)
    yield app
    app.config.update(before)


@pytest.fixture
def curator(posting: Flask, make_user: Callable[..., Person]) -> Person:
    """A curator with an address and a case that nobody has been in touch with for a year."""
    person = make_user(CURATOR, organisation="Искорка", name="Зорина Мария", email="zorina@example.org")
    with working(posting) as session:
        family = Family(name="Тайнины", organisation_id=person.organisation_id, address="ул. Тайная, 1")
        case = Case(number="2025/07", family=family, procedure=Procedure(name="Своя", code="own"),
                    curator_id=person.staff_id, opened_on=dt.date(2025, 11, 1), reason="Тайная причина")  # fmt: skip
        signal = Signal(number="С-1", content="Тайный сигнал", organisation_id=person.organisation_id,
                        received_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), reporter="Тайный сосед")  # fmt: skip
        session.add_all([family, case, signal])
        session.commit()
    return person


def letters(app: Flask) -> list[Any]:
    with working(app) as session:
        return list(session.execute(select(Letter.__table__).order_by(Letter.id)).all())


def run(app: Flask, moment: dt.datetime | None = None) -> Sent:
    with working(app) as session:
        return send(session, Mailer(app.config), moment or now())


@pytest.fixture
def waiting(posting: Flask, curator: Person) -> Callable[..., None]:
    """``waiting("a@example.org", …)``: letters in the outbox, one for each address."""

    def put(*addresses: str) -> None:
        with working(posting) as session:
            for number, address in enumerate(addresses):
                letter = Letter(key=f"REMINDER:{number}:2026-11-24", kind=LetterKind.REMINDER, day=TUESDAY.date())
                letter.staff_id, letter.address = curator.staff_id, address
                letter.subject, letter.text = "Рядом: на сегодня 2 дела", "Дела: 2"
                session.add(letter)
            session.commit()

    return put


# --- Making -----------------------------------------------------------------------------------------------


def test_a_reminder_tells_what_waits_and_no_name(posting: Flask, curator: Person, server: Server) -> None:
    assert make(posting, TUESDAY) == 1
    assert run(posting) == Sent(sent=1)
    (letter,) = server.letters
    assert letter["To"] == "zorina@example.org" and letter["From"] == "ryadom@example.org"
    assert letter["Subject"] == "Ryadom: 2 things wait for you today"
    text = letter.get_content()
    assert "Long without contact: 1" in text and "Signals without an answer: 1" in text
    assert "https://ryadom.example.org/case/?status=OPEN&quiet=1" in text
    for secret in ("Тайн", "Зорина", "2025/07", "С-1", "Искорка"):
        assert secret not in letter.as_string() and secret not in text, secret


def test_every_link_of_a_letter_opens_a_list_of_as_many_and_asks_a_stranger_to_sign_in(
    posting: Flask, curator: Person
) -> None:
    make(posting, MONDAY)
    client = login(posting.test_client(), curator)
    for letter in letters(posting):
        found = re.findall(r": (\d+)\nhttps://ryadom\.example\.org(\S+)", letter.text)
        assert found
        for count, path in found:
            heading = re.search(r'page-title me-auto">[^<]*<span[^>]*>([^<]+)<', client.get(path).text)
            assert heading and heading.group(1) == count, path
            assert posting.test_client().get(path).status_code == 302


def test_made_twice_there_is_one_letter(posting: Flask, curator: Person) -> None:
    assert [make(posting, TUESDAY), make(posting, TUESDAY)] == [1, 0]
    assert make(posting, TUESDAY + dt.timedelta(days=1)) == 1, "the next day has a letter of its own"
    assert len(letters(posting)) == 2


def test_made_by_several_at_once_there_is_one_letter(posting: Flask, curator: Person) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _n: make(posting, TUESDAY), range(4)))
    assert sum(made) == 1 and len(letters(posting)) == 1


def test_on_mondays_there_is_a_digest_too(posting: Flask, curator: Person, make_user: Callable[..., Person]) -> None:
    make_user(SUPERVISOR, organisation="Искорка", name="Крылова Софья", email="krylova@example.org")
    make_user(SECRETARY, organisation="Искорка", name="Секретарь", email="secretary@example.org")
    make(posting, MONDAY)
    assert sorted((letter.address, letter.kind.name) for letter in letters(posting)) == [
        ("krylova@example.org", "DIGEST"), ("krylova@example.org", "REMINDER"),
        ("zorina@example.org", "DIGEST"), ("zorina@example.org", "REMINDER"),
    ]  # fmt: skip
    digest = next(letter for letter in letters(posting) if letter.kind is LetterKind.DIGEST)
    assert "Open cases: 1" in digest.text


def test_nothing_waits_nothing_is_written(posting: Flask, make_user: Callable[..., Person]) -> None:
    make_user(CURATOR, organisation="Берег", name="Новая", email="new@example.org")
    assert make(posting, MONDAY) == 0


def test_before_the_hour_nobody_is_written_to(posting: Flask, curator: Person) -> None:
    assert make(posting, TUESDAY.replace(hour=4)) == 0, "it is seven in the morning there"


def test_the_morning_is_that_of_the_reader(posting: Flask, curator: Person) -> None:
    """In Angarsk it is half past eight when it is half past three in Moscow."""
    with working(posting) as session:
        session.get_one(Organisation, curator.organisation_id).zone = Zone.IRKUTSK
        session.commit()
    assert make(posting, TUESDAY.replace(hour=23, minute=30) - dt.timedelta(days=1)) == 0, "half past seven there"
    assert make(posting, TUESDAY.replace(hour=0, minute=30)) == 1
    assert make(posting, TUESDAY) == 0, "that was the letter of the day"


@pytest.mark.parametrize("how", ["no address", "no letters", "left", "switched off", "one-time password"])
def test_who_gets_no_letter(how: str, posting: Flask, curator: Person) -> None:
    from flask_appbuilder.security.sqla.models import User

    from app.kernel.access import UserAccount

    with working(posting) as session:
        staff = session.get_one(Staff, curator.staff_id)
        if how == "no address":
            staff.email = None
        elif how == "no letters":
            session.execute(MAIL_CHOICE.insert().values(user_id=curator.id, reminders=False, digest=False))
        elif how == "left":
            staff.works = False
        elif how == "switched off":
            session.execute(update(User).where(User.id == curator.id).values(active=False))
        else:
            session.execute(update(UserAccount).where(UserAccount.user_id == curator.id).values(must_change=True))
        session.commit()
    assert make(posting, MONDAY) == 0


def test_a_letter_speaks_the_language_of_its_reader(posting: Flask, curator: Person, server: Server) -> None:
    client = login(posting.test_client(), curator)
    for code, words in (("ru", "Давно не было контакта: 1"), ("kk", ": 1"), ("en", "Long without contact: 1")):
        client.post("/account/locale", data={"locale": code})
        with working(posting) as session:
            session.execute(Letter.__table__.delete())
            session.commit()
        make(posting, TUESDAY)
        (letter,) = letters(posting)
        assert words in letter.text
        assert ("Ryadom" in letter.subject) == (code == "en")


def test_each_chooses_his_letters(posting: Flask, curator: Person) -> None:
    client = login(posting.test_client(), curator)
    page = client.get("/account/mail").text
    assert "zorina@example.org" in page and page.count(" checked") == 2
    assert client.post("/account/mail", data={"digest": "1"}).status_code == 302
    assert client.get("/account/mail").text.count(" checked") == 1
    make(posting, MONDAY)
    assert [letter.kind for letter in letters(posting)] == [LetterKind.DIGEST]


# --- Sending ----------------------------------------------------------------------------------------------


def test_sent_once_however_often_it_runs(posting: Flask, waiting: Callable[..., None], server: Server) -> None:
    waiting("a@example.org", "b@example.org")
    assert run(posting) == Sent(sent=2) and run(posting) == Sent()
    assert [letter["To"] for letter in server.letters] == ["a@example.org", "b@example.org"]
    assert server.connections == 1, "one connection for all"
    assert all(letter.state is LetterState.SENT and letter.sent_at for letter in letters(posting))
    assert "Рядом: на сегодня 2 дела" in [letter["Subject"] for letter in server.letters]


def test_two_runs_at_once_send_each_letter_once(posting: Flask, waiting: Callable[..., None], server: Server) -> None:
    addresses = [f"n{number}@example.org" for number in range(12)]
    waiting(*addresses)
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _n: run(posting), range(3)))
    assert sorted(str(letter["To"]) for letter in server.letters) == sorted(addresses)
    assert sum(one.sent for one in done) == 12


@pytest.mark.parametrize("word", ["RCPT", "DATA", "BODY"])
def test_refused_for_now_it_is_tried_again_after_a_pause(
    word: str, posting: Flask, waiting: Callable[..., None], server: Server
) -> None:
    waiting("a@example.org")
    server.at[word] = "451 later please"
    start = now()
    assert run(posting, start) == Sent(waiting=1)
    (letter,) = letters(posting)
    assert (letter.state, letter.tries) == (LetterState.WAITING, 1) and "451 later please" in letter.error
    server.at.clear()
    assert run(posting, start + dt.timedelta(minutes=4)) == Sent(), "not before its time"
    assert run(posting, start + dt.timedelta(minutes=5)) == Sent(sent=1)
    (letter,) = letters(posting)
    assert (letter.state, letter.tries, letter.error) == (LetterState.SENT, 2, None)
    assert len(server.letters) == 1


@pytest.mark.parametrize("word", ["RCPT", "DATA", "BODY"])
def test_refused_for_good_it_is_given_up_at_once_and_the_next_one_goes(
    word: str, posting: Flask, waiting: Callable[..., None], server: Server
) -> None:
    waiting("nobody@example.org", "b@example.org")
    if word == "RCPT":
        server.refuses["nobody@example.org"] = "550 no such person"
        assert run(posting) == Sent(sent=1, failed=1)
        assert [letter["To"] for letter in server.letters] == ["b@example.org"]
    else:
        server.at[word] = "554 spam"
        assert run(posting) == Sent(failed=2)
    assert letters(posting)[0].state is LetterState.FAILED and letters(posting)[0].error[0] == "5"
    assert run(posting, now() + dt.timedelta(days=2)) == Sent(), "and it is not tried again by itself"


def test_given_up_after_the_last_try(posting: Flask, waiting: Callable[..., None], server: Server) -> None:
    waiting("a@example.org")
    server.at["BODY"] = "451 later"
    moment = now()
    for tries in range(1, len(rules.PAUSES) + 1):
        assert run(posting, moment) == Sent(waiting=1), tries
        moment += rules.PAUSES[tries - 1]
    assert run(posting, moment) == Sent(failed=1)
    (letter,) = letters(posting)
    assert (letter.state, letter.tries, letter.next_try) == (LetterState.FAILED, len(rules.PAUSES) + 1, None)
    assert run(posting, moment + dt.timedelta(days=9)) == Sent()


@pytest.mark.parametrize("word", ["GREETING", "MAIL", "BODY"])
def test_a_server_that_hangs_holds_nobody_up(
    word: str, posting: Flask, waiting: Callable[..., None], server: Server
) -> None:
    waiting("a@example.org", "b@example.org", "c@example.org")
    server.at[word] = "hang"
    start = now()
    assert run(posting, start) == Sent(waiting=3)
    assert (now() - start).total_seconds() < 3, "the first one waits its second, the others do not try"
    assert all(letter.tries == 1 and letter.error for letter in letters(posting))


@pytest.mark.parametrize("word", ["GREETING", "MAIL", "RCPT", "DATA", "BODY"])
def test_a_server_that_dies_half_way(word: str, posting: Flask, waiting: Callable[..., None], server: Server) -> None:
    waiting("a@example.org")
    server.at[word] = "drop"
    start = now()
    assert run(posting, start) == Sent(waiting=1) and not server.letters
    server.at.clear()
    assert run(posting, start + dt.timedelta(minutes=5)) == Sent(sent=1) and len(server.letters) == 1


def test_nobody_listens_there(posting: Flask, waiting: Callable[..., None]) -> None:
    waiting("a@example.org")
    posting.config["SMTP_PORT"] = 1
    assert run(posting) == Sent(waiting=1)
    assert "refused" in letters(posting)[0].error


def test_a_sender_that_the_server_does_not_take_is_no_fault_of_the_letters(
    posting: Flask, waiting: Callable[..., None], server: Server
) -> None:
    waiting("a@example.org", "b@example.org")
    server.at["MAIL"] = "550 not from you"
    assert run(posting) == Sent(waiting=2)


def test_a_run_that_never_came_back_loses_no_letter(
    posting: Flask, waiting: Callable[..., None], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting("a@example.org")

    class Killed(BaseException):
        pass

    def die(self: Mailer, letter: Any) -> None:
        raise Killed

    start = now()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Mailer, "send", die)
        run(posting, start)
    assert letters(posting)[0].tries == 1
    assert run(posting, start) == Sent(), "it may still be on its way"
    assert run(posting, start + dt.timedelta(minutes=5)) == Sent(sent=1)


def test_the_same_letter_keeps_its_name_at_each_try(
    posting: Flask, waiting: Callable[..., None], server: Server
) -> None:
    """A connection that broke after the letter was taken: it comes twice, and is shown once."""
    waiting("a@example.org")
    server.at["BODY"] = "drop"
    start = now()
    run(posting, start)
    with working(posting) as session:
        first = Mailer(posting.config)._message(session.execute(select(Letter.__table__)).one())["Message-ID"]
    server.at.clear()
    run(posting, start + dt.timedelta(minutes=5))
    assert server.letters[0]["Message-ID"] == first


# --- The command ------------------------------------------------------------------------------------------


def command(app: Flask, folder: Path, **more: str) -> subprocess.Popen[str]:
    """``ryadom post`` as a scheduler runs it: a process of its own."""
    config = app.config
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "RYADOM_DATA": str(folder / "data"),
        "DATABASE_URL": config["SQLALCHEMY_DATABASE_URI"], "SMTP_HOST": "127.0.0.1", "MAIL_HOUR": "0",
        "SMTP_PORT": str(config["SMTP_PORT"]), "SMTP_TLS": "off", "MAIL_FROM": "ryadom@example.org",
        "SITE_URL": "https://ryadom.example.org", **more,
    }  # fmt: skip
    line = [sys.executable, "-c", "from app.cli import main; main()", "post"]
    return subprocess.Popen(line, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_the_command_is_safe_to_run_twice_and_by_two_at_once(
    posting: Flask, curator: Person, server: Server, tmp_path: Path
) -> None:
    both = [command(posting, tmp_path), command(posting, tmp_path)]
    told = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    again = command(posting, tmp_path)
    assert "Приготовлено писем: 0. Отправлено: 0, ждут: 0, не ушло: 0." in again.communicate(timeout=60)[0]
    subjects = [str(letter["Subject"]) for letter in server.letters]
    assert subjects and len(subjects) == len(set(subjects)) == len(letters(posting))
    assert any("на сегодня" in subject for subject in subjects), "in the language of the installation"


def test_the_command_without_settings_sends_nothing_and_says_so(
    posting: Flask, curator: Person, tmp_path: Path
) -> None:
    process = command(posting, tmp_path, SMTP_HOST="")
    assert "Почта не настроена" in process.communicate(timeout=60)[0] and process.returncode == 0
    assert letters(posting) == []


# --- The outbox -------------------------------------------------------------------------------------------


def test_the_administrator_sees_what_failed_and_sends_it_again(
    posting: Flask, waiting: Callable[..., None], server: Server, make_user: Callable[..., Person]
) -> None:
    waiting("a@example.org")
    server.at["BODY"] = "554 no"
    run(posting)
    admin = login(posting.test_client(), make_user(ADMINISTRATOR))
    assert "not sent: 1" in admin.get("/").text
    page = admin.get("/letter/?state=FAILED").text
    assert "554 no" in page and "a@example.org" in page
    id_ = letters(posting)[0].id
    assert "Send again" in admin.get(f"/letter/{id_}").text
    assert admin.post(f"/post/{id_}/again").status_code == 302
    server.at.clear()
    assert run(posting) == Sent(sent=1)
    assert "Send again" not in admin.get(f"/letter/{id_}").text
    admin.post(f"/post/{id_}/again")
    assert run(posting) == Sent(), "what was sent is not sent again"


def test_without_settings_the_desk_says_so(app: Flask, make_user: Callable[..., Person]) -> None:
    assert not app.config["SMTP_HOST"]
    admin = login(app.test_client(), make_user(ADMINISTRATOR))
    assert "no reminders are sent" in admin.get("/").text


def test_a_supervisor_does_not_read_the_outbox(
    posting: Flask, waiting: Callable[..., None], make_user: Callable[..., Person]
) -> None:
    waiting("a@example.org")
    client = login(posting.test_client(), make_user(SUPERVISOR, organisation="Искорка"))
    assert client.get("/letter/").status_code == 403
