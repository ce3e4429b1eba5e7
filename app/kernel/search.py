"""The search of the whole site: one question to all entities that are ``found`` by it, within the viewer's reach.

Asked in three ways, each only when the one before has found little: words that begin so, words that hold it, and words
that were probably meant. Each way is one statement, which carries the viewer's criterion of every entity: what he may
not see neither shows nor takes the place of what he may.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import literal_column, select, union_all
from sqlalchemy.orm import Session

from app.kernel.likeness import asked, closeness
from app.kernel.orm import label
from app.kernel.query import Line, Reader, Statements
from app.kernel.schema import Field, Schema
from app.kernel.trigrams import SHORTEST, holds, similar_words

MOST_WORDS = 6
ENOUGH = 12  # answers after which parts of words are not looked for any more
EACH = 40  # of one entity: as many as a person looks through
_BOUND = 400  # of each way to find a single word: enough to choose from


@dataclass(frozen=True)
class Found:
    """The records of one entity, the closest first, and how their second line is read."""

    schema: Schema
    fields: Sequence[Field]
    lines: Sequence[Line]

    def title(self, line: Line) -> str:
        return label(line[name] for name in self.schema.admin.name) or f"№ {line.id}"


class Search:
    """Looks for words in all these entities."""

    def __init__(self, session: Session, schemas: Sequence[Schema], *, zone: str = "UTC") -> None:
        self.session, self.schemas = session, schemas
        self.readers = [Reader(session, schema, zone=zone) for schema in schemas]

    def find(self, q: str, most: int = EACH) -> list[Found]:
        """What answers the words, kind by kind in the order of the entities."""
        words = asked(q)[:MOST_WORDS]
        if not self.schemas or not any(len(word) > 1 for word in words):
            return []
        found: dict[tuple[int, int], str] = {}
        for parts, deep in self._ways(words):
            for kind, id_, text in self._asked(parts, deep):
                found.setdefault((kind, id_), text)
            # Several words tell well enough what is meant; of a single one there may be more than its beginning.
            if len(found) >= (ENOUGH if len(words) == 1 else 1):
                break
        if not found:
            meant = [self._near(word) for word in words]
            rows = self._asked(meant, False) if len(words) > 1 else ()
            found = {(kind, id_): text for kind, id_, text in rows or self._asked(meant, True)}
        ranks = {key: (*closeness(words, text[:400]), len(text), key[1]) for key, text in found.items()}
        ids: dict[int, list[int]] = {}
        for kind, id_ in sorted(ranks, key=ranks.__getitem__):
            ids.setdefault(kind, []).append(id_)
        # The kind that has the best answer stands first; of equal ones the earlier in the order of the entities.
        best = {kind: ranks[kind, first][0] for kind, (first, *_rest) in ids.items()}
        return [self._read(kind, ids[kind][:most]) for kind in sorted(ids, key=lambda kind: (best[kind], kind))]

    def _ways(self, words: Sequence[str]) -> Iterator[tuple[list[tuple[str, ...]], bool]]:
        """What to look for in turn, and whether also in what the records belong to."""
        begin: list[tuple[str, ...]] = [(f" {word}",) for word in words]
        if len(words) > 1 or len(words[0]) < SHORTEST:
            yield begin, False
        if any(len(word) >= SHORTEST for word in words):
            yield begin, True
            yield [(self._part(word),) for word in words], True

    @staticmethod
    def _part(word: str) -> str:
        """Of a word too short for the index, no more than its beginning is looked for."""
        return word if len(word) >= SHORTEST else f" {word}"

    def _near(self, word: str) -> tuple[str, ...]:
        near = similar_words(self.session.connection(), word, 30)
        return (self._part(word), *(f" {one}" for one in near))

    def _asked(self, parts: Sequence[tuple[str, ...]], deep: bool) -> Any:
        selects = []
        for kind, read in enumerate(self.readers):
            t, bound = read.t, _BOUND if len(parts) == 1 else 0
            if deep:
                criteria = [Statements.search(read, read.schema, t.c, part, most=bound) for part in parts]
            else:
                criteria = [holds(read.schema, t.c, *parts)]
            one = select(literal_column(str(kind)).label("kind"), t.c.id, t.c.folded)
            selects.append(select(*one.where(*read.scoped(criteria)).limit(EACH).subquery().c))
        return self.session.connection().execute(union_all(*selects)).all()

    def _read(self, kind: int, ids: Sequence[int]) -> Found:
        schema = self.schemas[kind]
        names = schema.admin.found or ()
        lines = {line.id: line for line in self.readers[kind].lines(ids, (*schema.admin.name, *names))}
        return Found(schema, schema.fields(names), [lines[id_] for id_ in ids if id_ in lines])
