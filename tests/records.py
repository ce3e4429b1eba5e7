"""Right records of any entity, made out of its declaration, and what a form or the API is told of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from app.cases.models import Case, CaseStatus
from app.deadlines.models import Deadline
from app.handover.models import Handover
from app.kernel import numbers
from app.kernel.declare import Check, Choice
from app.kernel.orm import Row, now
from app.kernel.schema import Field, Kind, schema_of
from app.kernel.writing import save
from app.post.models import Letter, LetterKind
from app.procedures.models import Requirement
from app.risks.models import RiskLevel
from app.signals.models import SignalStatus
from app.territory.kinds import Zone
from app.territory.models import Staff
from models import ENTITIES

EVERY = tuple(entity for entity in ENTITIES if entity.__admin__.form)
BY_NAME = {entity.__name__: entity for entity in ENTITIES}

# What a declaration cannot say: values that must fit one another.
FITTING: Mapping[str, dict[str, Any]] = {
    "Organisation": {"zone": Zone.MOSCOW},  # days begin where those of the tests do
    "Signal": {"status": SignalStatus.NEW},
    "Case": {"status": CaseStatus.CLOSED, "opened_on": dt.date(2025, 3, 1), "closed_on": dt.date(2026, 2, 1)},
    "CommissionMember": {"since": dt.date(2020, 1, 1), "until": dt.date(2039, 1, 1)},
    "Member": {"born_on": dt.date(2015, 5, 9)},
    "RiskAssessment": {"level": RiskLevel.LOW},
}

# Right numbers of each kind, as they are kept. (Identity numbers are of nobody: made up for tests.)


def _iin(n: int) -> str:
    """Somebody born on New Year's Day of 1999; numbers without a check digit of the first weights are passed over."""
    while True:
        digits = f"9901013{n % 10_000:04}"
        check = sum(weight * int(digit) for weight, digit in enumerate(digits, 1)) % 11
        if check < 10:
            return f"{digits}{check}"
        n += 1


CHECKED: Mapping[Check | None, Callable[[int], str]] = {
    numbers.phone: lambda n: f"+7 900 000-{n // 100 % 100:02}-{n % 100:02}",
    numbers.email: lambda n: f"post{n}@example.org",
    numbers.snils: lambda n: f"000-000-{n % 999 + 1:03} 00",  # so low a number has no check digits
    numbers.iin: lambda n: _iin(n),
}

# What another record may point to only once: the first takes the one of the place, the next get one of their own.
FRESH = frozenset({("MonitoringResult", "problem")})
# What is never the one of the place: nobody stands in for himself.
ANOTHER = frozenset({("Absence", "stand_in")})


class Maker:
    """Makes records in one place: references lead to the records made before, or to new ones.

    Every text holds the ``mark``, so that it can be looked for in answers.
    """

    numbers = count(1)

    def __init__(self, session: Session, mark: str = "Слово", **at: Row) -> None:
        self.session, self.mark = session, mark
        self.at: dict[str, Row] = dict(at)

    def value(self, entity: type[Row], field: Field) -> Any:
        """A value for a field; every one differs from the last."""
        if field.name in FITTING.get(entity.__name__, {}):
            return FITTING[entity.__name__][field.name]
        n = next(self.numbers)
        match field.kind:
            case Kind.TEXT | Kind.LONG:
                return CHECKED[field.check](n) if field.check is not None else self.text(entity, field, n)
            case Kind.INTEGER if field.name == "number":
                return n
            case Kind.INTEGER:
                # A length has its bound, and what ends a span of months is the longer of the two.
                return 1 + n % 900 + 1000 * field.name.endswith("_to")
            case Kind.NUMBER:
                return Decimal(1000 + n)
            case Kind.DATE:
                first = 2016 if field in schema_of(entity).happened else 2026
                return dt.date(first, 1, 1) + dt.timedelta(days=n % 3000)
            case Kind.MOMENT:
                return dt.datetime(2026, 1, 1, 9, n % 60, tzinfo=dt.UTC)
            case Kind.BOOL:
                return True
            case Kind.CHOICE:
                assert field.choices is not None
                return list(field.choices)[-1]
            case Kind.REFERENCE:
                assert field.target is not None
                if field.target is entity:  # what came before it: a test that wants one says so
                    return None
                fresh = (entity.__name__, field.name) in FRESH and entity.__name__ in self.at
                another = (entity.__name__, field.name) in ANOTHER
                return self.new(field.target) if fresh or another else self.one(field.target)
            case Kind.REFERENCES:
                assert field.target is not None
                return [self.one(field.target)]
        raise TypeError(field.kind)

    def text(self, entity: type[Row], field: Field, n: int) -> str:
        return f"{self.mark} {field.name} {n}"

    def values(self, entity: type[Row], **given: Any) -> dict[str, Any]:
        """A value for every field of the form."""
        schema = schema_of(entity)
        return {
            field.name: given[field.name] if field.name in given else self.value(entity, field)
            for field in schema.fields(schema.form_names)
        }

    def new(self, entity: type[Any], **given: Any) -> Any:
        """One more record, saved as the product saves it."""
        if entity in WORKED_OUT:
            self.session.add(record := entity(**(WORKED_OUT[entity](self) | given)))
            self.session.flush()
            return record
        extra = {name: value for name, value in given.items() if name not in schema_of(entity).form_names}
        record = entity(**self.values(entity, **given), **extra)
        save(self.session, record)
        return record

    def one(self, entity: type[Any]) -> Any:
        """The record of this place, made when it is first asked for."""
        name = entity.__name__
        if name not in self.at:
            self.at[name] = self.new(entity)
        return self.at[name]

    def every(self) -> dict[str, Row]:
        """One record of each entity, tied to one another."""
        return {entity.__name__: self.one(entity) for entity in (*EVERY, *WORKED_OUT)}


# --- What no form adds --------------------------------------------------------------------------------------

_DAY = dt.date(2026, 3, 2)


def _term(maker: Maker) -> dict[str, Any]:
    """A term as the engine keeps it: missed, and of a procedure that the case runs under no more."""
    begun = dt.date(2001, 1, 1) + dt.timedelta(days=next(maker.numbers) % 9000)
    days = {"event_on": begun, "due_on": begun + dt.timedelta(days=4), "ended_on": begun + dt.timedelta(days=5)}
    return {"case": maker.one(Case), "requirement": maker.one(Requirement), "occasion": 1, **days}


def _hand_over(maker: Maker) -> dict[str, Any]:
    return {
        "case": maker.one(Case), "giver": maker.new(Staff), "receiver": maker.one(Staff), "day": _DAY, "until": _DAY,
        "temporary": True, "read_on": _DAY, "note": f"{maker.mark} note", "done_by": f"{maker.mark} done_by",
    }  # fmt: skip


def _letter(maker: Maker) -> dict[str, Any]:
    words = {name: f"{maker.mark} {name}" for name in ("subject", "text", "error")}
    return {
        "key": f"REMINDER:{next(maker.numbers)}:{_DAY}", "kind": LetterKind.REMINDER, "day": _DAY,
        "staff": maker.one(Staff), "address": "post@example.org", "sent_at": now(), **words,
    }  # fmt: skip


WORKED_OUT: Mapping[type[Row], Callable[[Maker], dict[str, Any]]] = {
    Deadline: _term,
    Handover: _hand_over,
    Letter: _letter,
}


def posted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a browser posts them."""
    return {name: _posted(value) for name, value in values.items()}


def _posted(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else []
    if isinstance(value, Choice):
        return value.name
    if isinstance(value, Row):
        return str(value.id)
    if isinstance(value, list):
        return [_posted(one) for one in value]
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def sent(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a program sends them to the API."""
    return {name: _sent(value) for name, value in values.items()}


def _sent(value: Any) -> Any:
    if isinstance(value, Choice):
        return value.name
    if isinstance(value, Row):
        return value.id
    if isinstance(value, list):
        return [_sent(one) for one in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
