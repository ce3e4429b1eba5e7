"""Who is known already: while somebody is being typed, those who are there are offered.

Of a record within reach its name is told. Of one out of reach only where to ask, and only to whoever has typed so much
that it can be hardly anybody else (:func:`app.kernel.likeness.enough`): with less, one could find out by trying whose
child is looked after by whom. So that trying does not pay either, such questions are counted (:data:`A_DAY`), and each
answer stands in the history of the record that was spoken of, with the name of who asked.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    and_,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from app.kernel.declare import Alike
from app.kernel.history import Change, ChangeKind
from app.kernel.likeness import LIKELY, Described, enough, fold, likeness, telephone, words_of
from app.kernel.orm import Moment, label, now, viewer_of
from app.kernel.schema import Schema, schema_of
from app.kernel.scope import visible
from app.kernel.trigrams import holds, similar_words

OFFERED = 3
COMPARED = 60  # candidates, before they are compared letter by letter
A_DAY = 40  # questions about records out of reach that one user may ask

# Questions about records out of reach. What was asked is not kept, only whether it is the same as before.
ASKED = Table(
    "alike_question",
    Model.metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False, default=now),
    Column("digest", String(64), nullable=False),
    Index(None, "user_id", "at"),
)


@dataclass(frozen=True)
class Offer:
    """A record within reach that is probably the same."""

    id: int
    score: float


@dataclass(frozen=True)
class Elsewhere:
    """Who keeps a record out of reach that is most probably the same."""

    place: str
    contact: str


@dataclass(frozen=True)
class Answer:
    """What is there already; ``silent`` when the day's questions about other people's records are used up."""

    offers: Sequence[Offer] = ()
    elsewhere: Sequence[Elsewhere] = ()
    silent: bool = False


def described(values: Mapping[str, Any]) -> Described:
    """What was typed or is stored, by what it is (``Alike.fields``)."""
    born = values.get("born")
    if isinstance(born, str):
        try:
            born = dt.date.fromisoformat(born)
        except ValueError:
            born = None
    texts = {what: str(values.get(what) or "")[:400] for what in ("name", "phone", "address")}
    return Described(born=born if born and born.year >= 1900 else None, **texts)


class Resemblance:
    """Looks for records of an entity that are like what is being typed."""

    def __init__(self, session: Session, schema: Schema, secret: str) -> None:
        assert schema.admin.alike is not None
        self.session, self.schema, self.secret = session, schema, secret
        self.alike: Alike = schema.admin.alike
        self.t = schema.table
        self.viewer = viewer_of(session)

    def answer(self, typed: Described, but: int = 0) -> Answer:
        """Who is like it, but for the record that is being edited itself."""
        likely = self._likely(typed)
        if not likely:
            return Answer()
        scope = visible(self.schema.entity, self.viewer)
        criteria = [or_(*likely), self.t.c.id != but]
        known = self._compared(typed, criteria if scope is None else [*criteria, scope])
        found = [Offer(row.id, score) for score, _strong, row in known if score >= LIKELY]
        offers = sorted(found, key=lambda offer: (-offer.score, offer.id))[:OFFERED]
        if scope is None or not enough(typed) or self.viewer.user_id is None:
            return Answer(offers)
        if not self._may_ask(typed):
            return Answer(offers, silent=True)
        hidden = [*criteria, ~func.coalesce(scope, false())]
        strong = [row.id for _score, strong, row in self._compared(typed, hidden) if strong]
        return Answer(offers, self._places(strong))

    # -- who may be meant

    def _likely(self, typed: Described) -> list[ColumnElement[bool]]:
        """Ways in which a record may be recognised: by two words of its name, by the only one, or by a telephone."""
        ways: list[ColumnElement[bool]] = []
        words = [word for word in words_of(fold(typed.name)) if len(word) > 1][:4]
        parts = [self._similar(word) for word in words]
        held = [holds(self.schema, self.t.c, part) for part in parts]
        if len(held) > 1:
            ways.extend(and_(one, other) for n, one in enumerate(held) for other in held[n + 1 :])
        elif held and len(words[0]) > 2:
            ways.extend(held)
        if self.alike.phone and (digits := telephone(typed.phone)):
            ways.append(holds(self.schema, self.t.c, (digits,)))
        return ways

    def _similar(self, word: str) -> tuple[str, ...]:
        near = similar_words(self.session.connection(), word, 20)
        return tuple(dict.fromkeys(f" {one}" for one in (word, *near)))

    def _compared(self, typed: Described, criteria: Iterable[ColumnElement[bool]]) -> list[tuple[float, bool, Any]]:
        t = self.t.c
        if typed.born is not None and self.alike.born:
            # Of many namesakes those are compared who were born on the day.
            order: tuple[Any, ...] = (t[self.alike.born].is_distinct_from(typed.born), t.id)
        else:
            order = (t.id,)
        columns = (t[name].label(what) for what, name in self.alike.fields.items())
        statement = select(t.id, *columns).where(*criteria).order_by(*order).limit(COMPARED)
        found = []
        for row in self.session.connection().execute(statement):
            like = likeness(typed, described(dict(row._mapping)))
            found.append((like.score, like.strong, row))
        return found

    # -- what is out of reach

    def _may_ask(self, typed: Described) -> bool:
        """Whether the user may ask this of other people's records today; a question asked before counts once."""
        said = "\n".join((self.schema.resource, fold(typed.name), str(typed.born), telephone(typed.phone),
                          fold(typed.address)))  # fmt: skip
        digest = hmac.new(self.secret.encode(), said.encode(), sha256).hexdigest()
        since = now() - dt.timedelta(days=1)
        connection = self.session.connection()
        mine = select(ASKED.c.digest).where(ASKED.c.user_id == self.viewer.user_id, ASKED.c.at > since)
        before = set(connection.execute(mine).scalars())
        if digest in before:
            return True
        if len(before) >= A_DAY:
            return False
        connection.execute(ASKED.delete().where(ASKED.c.at <= since))
        connection.execute(ASKED.insert().values(user_id=self.viewer.user_id, digest=digest))
        return True

    def _places(self, ids: Sequence[int]) -> list[Elsewhere]:
        """Who keeps these records and lets itself be named, and a line of each one's history that it was told."""
        if not ids or not self.alike.place:
            return []
        rows = self.session.connection().execute(self._kept_by(ids)).all()
        self._note(list(dict.fromkeys(row[0] for row in rows)))
        return list(dict.fromkeys(Elsewhere(label(names), contact or "") for _id, contact, *names in rows))[:OFFERED]

    def _kept_by(self, ids: Sequence[int]) -> Select[Any]:
        schema, here, joined = self.schema, self.t, self.t
        for name in self.alike.place.split("."):
            field = schema.field(name)
            assert field.target is not None
            there = field.target.__table__.alias()
            joined = joined.join(there, here.c[field.key] == there.c.id)
            schema, here = schema_of(field.target), there
        contact = here.c[self.alike.contact] if self.alike.contact else func.coalesce(None)
        statement = select(self.t.c.id, contact, *schema.label_columns(here.c)).select_from(joined)
        if self.alike.told:
            statement = statement.where(here.c[self.alike.told].is_(True))
        return statement.where(self.t.c.id.in_(ids))

    def _note(self, ids: Sequence[int]) -> None:
        """Tell it in the history of the records, once a day for each who was told."""
        c, since = Change.__table__.c, now() - dt.timedelta(days=1)
        told = select(c.record_id).where(
            c.entity == self.t.name, c.record_id.in_(ids), c.user_id == self.viewer.user_id,
            c.kind == ChangeKind.HINTED, c.at > since,
        )  # fmt: skip
        connection = self.session.connection()
        known = set(connection.execute(told).scalars())
        lines = [
            {
                "at": now(), "user_id": self.viewer.user_id, "user": self.session.info.get("user_name") or "",
                "entity": self.t.name, "record_id": id_, "kind": ChangeKind.HINTED,
            }
            for id_ in dict.fromkeys(ids) if id_ not in known
        ]  # fmt: skip
        if lines:
            connection.execute(Change.__table__.insert(), lines)
