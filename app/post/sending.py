"""The outbox is sent: each letter at most by one at a time, again after growing pauses, until it is given up."""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.kernel.orm import now
from app.post import rules
from app.post.models import Letter, LetterState

_letters = Letter.__table__


class Down(Exception):
    """The server cannot be used at all now: no other letter need be tried."""


class NotNow(Exception):
    """The server did not take this letter now; it may later."""


class Never(Exception):
    """The server will not take this letter."""


@dataclass
class Sent:
    """What a run has done."""

    sent: int = 0
    waiting: int = 0
    failed: int = 0


def _answer(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"


class Mailer:
    """A connection to the mail server, opened for the first letter and kept for the others."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.server: smtplib.SMTP | None = None

    def send(self, letter: Any) -> None:
        """Hand one letter over. :class:`Down`, :class:`NotNow` or :class:`Never` when the server did not take it."""
        server = self.server or self._open()
        try:
            server.send_message(self._message(letter))
        except (smtplib.SMTPNotSupportedError, ValueError) as error:
            raise Never(f"the address cannot be used: {error}") from None
        except smtplib.SMTPSenderRefused as error:
            self.close()  # not the letter's fault, and no other would fare better
            raise Down(_answer(error.smtp_code, error.smtp_error)) from None
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refusal(*next(iter(error.recipients.values()))) from None
        except smtplib.SMTPResponseException as error:
            raise self._refusal(error.smtp_code, error.smtp_error) from None
        except OSError as error:
            self.close()
            if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
                raise Down(f"no answer in {self.config['SMTP_SECONDS']} seconds") from None
            raise NotNow(f"the connection broke: {error}") from None

    def _refusal(self, code: int, words: bytes | str) -> Never | NotNow:
        """4xx is for now, 5xx for good."""
        if self.server is not None and self.server.sock is None:
            self.server = None  # it has hung up with these words
        return (Never if code >= 500 else NotNow)(_answer(code, words))

    def _open(self) -> smtplib.SMTP:
        host, port, seconds = self.config["SMTP_HOST"], self.config["SMTP_PORT"], self.config["SMTP_SECONDS"]
        try:
            if self.config["SMTP_TLS"] == "tls":
                context = ssl.create_default_context()
                server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
            else:
                server = smtplib.SMTP(host, port, timeout=seconds)
            if self.config["SMTP_TLS"] == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.config.get("SMTP_USER"):
                server.login(self.config["SMTP_USER"], self.config.get("SMTP_PASSWORD", ""))
        except (smtplib.SMTPException, OSError) as error:
            # Also a refused sign-in: the letter is not at fault, and every other would meet the same.
            raise Down(f"{type(error).__name__}: {error}") from None
        self.server = server
        return server

    def _message(self, letter: Any) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.config["MAIL_FROM"], letter.address, letter.subject
        message["Date"] = format_datetime(now())
        # The same at each try: should a letter arrive twice after a broken connection, its reader shows one.
        message["Message-ID"] = f"<{letter.key.replace(':', '.')}.{letter.id}@{self.config['MAIL_FROM'].split('@')[1]}>"
        message["Auto-Submitted"] = "auto-generated"  # nobody's "I am on leave" comes back
        message.set_content(letter.text)
        return message

    def close(self) -> None:
        if self.server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self.server.quit()
            self.server = None


def send(db: Session, mailer: Mailer, moment: dt.datetime) -> Sent:
    """Try all letters whose time has come. Each is claimed and committed before it is tried."""
    c, done = _letters.c, Sent()
    due = (c.state == LetterState.WAITING) & (c.next_try <= moment)
    down = ""
    for id_ in db.execute(select(c.id).where(due).order_by(c.id)).scalars().all():
        letter = _claim(db, id_, due, moment)
        if letter is None:
            continue  # another run has it
        try:
            if down:
                raise Down(down)
            mailer.send(letter)
        except Never as error:
            _note(db, letter, state=LetterState.FAILED, next_try=None, error=str(error))
            done.failed += 1
        except (NotNow, Down) as error:
            down = str(error) if isinstance(error, Down) else ""
            _note(db, letter, error=str(error))
            if letter.state is LetterState.FAILED:
                done.failed += 1
            else:
                done.waiting += 1
        else:
            _note(db, letter, state=LetterState.SENT, next_try=None, sent_at=now(), error=None)
            done.sent += 1
    mailer.close()
    return done


def _claim(db: Session, id_: int, due: Any, moment: dt.datetime) -> Any:
    """Take a letter for one try, which counts even if this run never comes back: the next one is after the pause."""
    c = _letters.c
    tries = db.execute(select(c.tries).where(c.id == id_, due)).scalar()
    if tries is None:
        return None
    values: dict[str, Any] = {"tries": tries + 1}
    if wait := rules.pause(tries + 1):
        values |= {"next_try": moment + wait}
    else:
        values |= {"next_try": None, "state": LetterState.FAILED}  # unless this last try succeeds
    taken: Any = db.execute(update(_letters).where(c.id == id_, c.tries == tries, due).values(**values))
    db.commit()
    return db.execute(select(_letters).where(c.id == id_)).one() if taken.rowcount else None


def _note(db: Session, letter: Any, **values: Any) -> None:
    db.execute(update(_letters).where(_letters.c.id == letter.id).values(**values))
    db.commit()


def again(db: Session, id_: int) -> bool:
    """Give a letter that was given up all its tries anew. The caller commits."""
    c = _letters.c
    failed = c.id == id_, c.state == LetterState.FAILED
    values = {"state": LetterState.WAITING, "tries": 0, "next_try": now()}
    done: Any = db.execute(update(_letters).where(*failed).values(**values))
    return bool(done.rowcount)
