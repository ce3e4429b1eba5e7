"""Signed papers: the scan or photograph of a paper, attached to the record that it was printed from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import ColumnElement, Index, String, and_, false, or_, select
from sqlalchemy.orm import Mapped, Session

from app.kernel import clock
from app.kernel.declare import ADMINISTRATOR, N_, Admin, Choice, May, Viewer, column, computed, derived
from app.kernel.files import FileKind
from app.kernel.orm import LONG, SHORT, Record, Row
from app.kernel.schema import Schema, schema_of
from app.kernel.scope import OutOfReach, can_see, visible
from app.kernel.told import choices, entity_told

OTHER_PAPER = N_("Another paper")
IN_THE_FUTURE = N_("The date of signing lies in the future. Check it.")


def _keepers() -> Iterator[type[Row]]:
    """Entities to whose records signed papers are attached."""
    for mapper in Model.registry.mappers:
        if hasattr(mapper.class_, "__admin__") and schema_of(mapper.class_).keeps_scans:
            yield mapper.class_


def _with_its_record(c: Any, viewer: Viewer) -> ColumnElement[bool] | None:
    """A signed paper is seen by whoever sees the record it belongs to."""
    if viewer.sees_everything:
        return None
    reached: list[ColumnElement[bool]] = []
    for entity in sorted(_keepers(), key=lambda entity: entity.__name__):
        records = select(entity.__table__.c.id)
        criterion = visible(entity, viewer)
        if criterion is not None:
            records = records.where(criterion)
        reached.append(and_(c.entity == entity.__tablename__, c.record_id.in_(records)))
    return or_(false(), *reached)


@cache
def _papers(entity: str) -> type[Choice]:
    """The papers of an entity by their keys."""
    keeper = next((one for one in _keepers() if one.__tablename__ == entity), None)
    titles = {key: paper.title for key, paper in keeper.__admin__.prints.items()} if keeper else {}
    return choices("Paper", {**titles, "OTHER": OTHER_PAPER})


def _paper_told(entity: str, paper: str | None) -> Choice:
    papers = _papers(entity).__members__
    return papers.get(paper or "", papers["OTHER"])


class Scan(Record):
    """A file with a signed paper or a page of it. The file itself lies by its digest, see :mod:`app.kernel.files`."""

    __tablename__ = "scan"
    __table_args__ = (Index("ix_scan_record", "entity", "record_id"),)

    entity: Mapped[str] = column(N_("Entity"), SHORT)
    record_id: Mapped[int] = column(N_("Record number"))
    paper: Mapped[str | None] = column(N_("Paper"), SHORT)
    signed_on: Mapped[dt.date | None] = column(N_("Signed on"))
    note: Mapped[str | None] = column(N_("Note"), LONG)
    name: Mapped[str] = column(N_("File"), SHORT)
    kind: Mapped[FileKind] = column(N_("Kind of file"))
    length: Mapped[int] = column(N_("Size in bytes"))
    digest: Mapped[str] = column("", String(64), secret=True)
    attached_by: Mapped[str] = column(N_("Attached by"), SHORT)
    subject = computed(N_("Entity"), entity_told)
    title = derived(N_("Paper"), _paper_told, ("entity", "paper"))

    __admin__ = Admin(
        one=N_("Signed paper"),
        title=N_("Signed papers"),
        name=("name",),
        list=("name", "subject", "record_id", "title", "signed_on", "attached_by", "created_at"),
        form={},
        show=(
            "name",
            "subject",
            "record_id",
            "title",
            "signed_on",
            "note",
            "kind",
            "length",
            "attached_by",
            "created_at",
        ),
        search=("name", "note"),
        filters=("subject", "record_id", "signed_on", "created_at"),
        scope=_with_its_record,
        # Everybody else meets them on the pages of their records, by the permissions of those.
        may={ADMINISTRATOR: May.READ | May.EXPORT},
        help=N_("Scans of signed papers, attached to the records they belong to."),
        icon="file-text",
    )

    def prepare(self, session: Session) -> None:
        """No key of the database ties it to its record: that the record is there and in reach is asked here."""
        entity = next((one for one in _keepers() if one.__tablename__ == self.entity), None)
        if entity is None or not can_see(session, entity, [self.record_id]):
            raise OutOfReach(f"Scan -> {self.entity} {self.record_id}")

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.signed_on and self.signed_on > clock.today():
            yield "signed_on", IN_THE_FUTURE


def scans_of(session: Session, record: Row) -> Sequence[Scan]:
    """The signed papers of a record, to be written."""
    return session.scalars(select(Scan).where(Scan.entity == record.__tablename__, Scan.record_id == record.id)).all()


def attached(session: Session, entity: type[Row], ids: Iterable[int]) -> Sequence[Any]:
    """The signed papers of records that the caller has already found within reach, to be read, as attached."""
    table = Scan.__table__
    c = table.c
    statement = select(table).where(c.entity == entity.__tablename__, c.record_id.in_(ids)).order_by(c.id)
    return session.connection().execute(statement).all()


def title_of(schema: Schema, paper: str | None) -> str:
    """What a signed paper is, as a message to translate."""
    declared = schema.admin.prints.get(paper or "")
    return declared.title if declared else OTHER_PAPER
