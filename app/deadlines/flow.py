"""A case on its way through the stages of its procedure: what is done, what is lacking, going on, another version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseStatus, StageEntry
from app.deadlines.engine import Known, known, settle
from app.deadlines.models import Deadline, Mark
from app.kernel import clock
from app.kernel.declare import N_
from app.kernel.writing import Refused, Wrong, save
from app.procedures.kinds import RequirementKind, Time
from app.procedures.models import Procedure, ProcedureVersion, Requirement, Stage, VersionStatus
from app.territory.kinds import zone_of

NEEDS_REASON = N_("Something is lacking: say why the case goes on without it.")
NOT_OF_THIS = N_("This stage belongs to another version of the procedure.")
OTHER_PROCEDURE = N_("The case runs under another procedure.")


@dataclass(frozen=True)
class Item:
    """A requirement and how it stands in a case: done on a day, not needed, or due by one."""

    id: int
    kind: RequirementKind
    name: str
    who: str
    optional: bool
    by_hand: bool
    done_on: dt.date | None
    waived: bool
    today: dt.date  # where the case is led
    needed: bool = False
    timed: bool = False
    due_on: dt.date | None = None
    deadline: int | None = None

    @property
    def lacking(self) -> bool:
        return not (self.done_on or self.waived or (self.optional and not self.needed))

    @property
    def undecided(self) -> bool:
        """A term hangs on whether it is needed here, and nobody has said it yet."""
        return self.optional and self.timed and not (self.done_on or self.waived or self.needed)

    @property
    def late(self) -> bool:
        """Missed: the last day has passed and it is not done."""
        return self.lacking and self.due_on is not None and self.due_on < self.today


@dataclass(frozen=True)
class Step:
    """A stage on the line of a case."""

    id: int
    number: int
    name: str
    entry: str
    leave: str
    since: dt.date | None
    until: dt.date | None
    here: bool
    items: Sequence[Item]
    reason: str = ""  # why the case went on to it although something was lacking

    @property
    def passed(self) -> bool:
        return self.since is not None and not self.here

    @property
    def lacking(self) -> list[Item]:
        return [item for item in self.items if item.lacking]

    @property
    def missed(self) -> list[Item]:
        return [item for item in self.items if item.late]


def line(connection: Connection, case_id: int) -> list[Step]:
    """The stages of a case in order; none when its procedure names none."""
    return whole(connection, case_id)[0]


def undecided(steps: Sequence[Step], anywhere: Sequence[Item]) -> list[Item]:
    """What waits for a word whether it is needed here, at the stages that the case has come to."""
    reached = [item for step in steps if step.here or step.passed for item in step.items]
    return [item for item in (*reached, *anywhere) if item.undecided]


def whole(connection: Connection, case_id: int) -> tuple[list[Step], list[Item]]:
    """The stages of a case in order, and beside them what may be asked for at any time where it applies."""
    case = known(connection, lambda column: column == case_id).get(case_id)
    if case is None or case.edition is None:
        return [], []
    s, r, e, d = (cast(Table, one.__table__).c for one in (Stage, Requirement, StageEntry, Deadline))
    here = case.stage
    entries = {
        row.stage_id: row
        for row in connection.execute(
            select(e.stage_id, e.since, e.until, e.reason).where(e.case_id == case_id).order_by(e.id)
        )
    }
    terms = {
        row.requirement_id: row
        for row in connection.execute(
            select(d.id, d.requirement_id, d.due_on).where(
                d.case_id == case_id, d.done_on.is_(None), d.ended_on.is_(None)
            )
        )
    }
    once = r.stage_id.is_not(None) & ~r.repeats
    wanted = select(*r).where(r.edition_id == case.edition, once | r.optional)
    asked = [row for row in connection.execute(wanted.order_by(r.position, r.id)) if _applies(row, case)]
    stages = connection.execute(select(*s).where(s.edition_id == case.edition).order_by(s.number)).all()
    steps = [
        Step(
            stage.id, stage.number, stage.name, stage.entry or "", stage.leave or "",
            since=entries[stage.id].since if stage.id in entries else None,
            until=entries[stage.id].until if stage.id in entries else None,
            here=stage.id == here,
            items=[_item(row, case, terms.get(row.id)) for row in asked if _at(row) == stage.id],
            reason=(entries[stage.id].reason or "") if stage.id in entries else "",
        )
        for stage in stages
    ]  # fmt: skip
    return steps, [_item(row, case, terms.get(row.id)) for row in asked if _at(row) is None]


def _at(row: Any) -> int | None:
    """The stage that waits for it; what repeats is no stage's."""
    return None if row.repeats else row.stage_id


def _applies(row: Any, case: Known) -> bool:
    """Whether the requirement is for this child and this risk, while the case is at work."""
    where, risk = row.placement, row.risk
    here = (where is None or where.name == case.standing.placement) and (
        risk is None or risk.name == case.standing.risk
    )
    return here and row.time is Time.AT_WORK


def _item(row: Any, case: Known, term: Any) -> Item:
    days = sorted(
        {*case.standing.facts.get(row.proof.name if row.proof else "", ()), *case.standing.marks.get(row.id, ())}
    )
    return Item(
        row.id, row.kind, row.name, row.who or "", row.optional, row.proof is None,
        done_on=days[0] if days else None,
        waived=row.id in case.standing.waived,
        needed=row.id in case.standing.needed,
        timed=row.event is not None and row.count is not None,
        today=case.today,
        due_on=term.due_on if term else None,
        deadline=term.id if term else None,
    )  # fmt: skip


def lacking(steps: Sequence[Step], to: int) -> list[Item]:
    """What would be missing if the case went on to this stage now: of the stage it leaves, and to begin the new one.

    Going back asks for nothing.
    """
    here = next((step for step in steps if step.here), None)
    target = next(step for step in steps if step.id == to)
    if here is not None and target.number <= here.number:
        return []
    left = [item for item in here.lacking if item.kind is not RequirementKind.ENTRY] if here else []
    return [*left, *(item for item in target.lacking if item.kind is RequirementKind.ENTRY)]


def go_on(session: Session, case: Case, stage: Stage, reason: str) -> None:
    """Take the case to a stage of its procedure. Whether he may without what is lacking is the caller's question.

    :raises Refused: when the stage is of another version, or something is lacking and no reason is given.
    """
    if stage.edition_id != case.edition_id:
        raise Refused(Wrong("stage", NOT_OF_THIS))
    if lacking(line(session.connection(), case.id), stage.id) and not reason:
        raise Refused(Wrong("reason", NEEDS_REASON))
    case.enter(stage, reason=reason or None)
    save(session, case)


# --- Another version --------------------------------------------------------------------------------------


def twin(requirements: Collection[Requirement], of: Requirement) -> Requirement | None:
    """The requirement of another version that is the same one: of the same name, and source if both have one."""
    same = [one for one in requirements if one.name == of.name]
    return next((one for one in same if one.source == of.source), same[0] if same else None)


def move_to(session: Session, case: Case, version: ProcedureVersion) -> None:
    """Let a case run under another version of its procedure: its stage, marks and what was waived come along.

    :raises Refused: when the version is of another procedure.
    """
    if version.procedure_id != case.procedure_id:
        raise Refused(Wrong("edition", OTHER_PROCEDURE))
    number = case.stage.number if case.stage else 0
    case.edition = version
    stage = next((one for one in version.stages if one.number == number), None)
    if stage is not None:
        case.enter(stage)
    else:
        case.enter(version.stages[0] if version.stages else None)
    marks = session.scalars(select(Mark).where(Mark.case_id == case.id)).all()
    moved = []
    for mark in marks:
        if mark.requirement.edition_id != version.id and (same := twin(version.requirements, mark.requirement)):
            mark.requirement = same
            moved.append(mark)
    save(session, case, *moved)


@dataclass(frozen=True)
class Unversioned:
    """A procedure with open cases that run under no version of it, and the version that they may be moved to."""

    id: int
    name: str
    version: int | None
    count: int


def without_version(connection: Connection) -> list[Unversioned]:
    """Procedures whose open cases began before they had a version: nothing is due there."""
    c, p, v = (cast(Table, one.__table__).c for one in (Case, Procedure, ProcedureVersion))
    published = select(func.max(v.id)).where(v.procedure_id == p.id, v.status == VersionStatus.PUBLISHED)
    rows = connection.execute(
        select(p.id, p.name, published.scalar_subquery().label("version"), func.count(c.id).label("count"))
        .join(cast(Table, Case.__table__), c.procedure_id == p.id)
        .where(c.edition_id.is_(None), c.status != CaseStatus.CLOSED)
        .group_by(p.id, p.name)
        .order_by(p.name)
    )
    return [Unversioned(row.id, row.name, row.version, row[3]) for row in rows]


@dataclass(frozen=True)
class Change:
    """What a move would change in the terms of one case: names of requirements, and how many are late at once."""

    case_id: int
    number: str
    new: Sequence[str]
    gone: Sequence[str]
    late: int


def preview(session: Session, version: ProcedureVersion, cases: Collection[Case]) -> Iterator[Change]:
    """What would be due in these cases under the version and is not now, and the other way round."""
    names = _due_names(session, cases)
    point = session.begin_nested()
    try:
        for case in cases:
            move_to(session, case, version)
        session.flush()
        settle(session.connection(), [case.id for case in cases])
        after = _due_names(session, cases)
    finally:
        point.rollback()
    for case in cases:
        before, then = names.get(case.id, {}), after.get(case.id, {})
        new = [name for key, name in then.items() if key not in before]
        gone = [name for key, name in before.items() if key not in then]
        today = clock.day_in(zone_of(case.family.organisation.zone))
        late = sum(1 for key in then if key not in before and key[1] and key[1] < today)
        yield Change(case.id, case.number, new, gone, late)


def _due_names(session: Session, cases: Collection[Case]) -> Mapping[int, dict[tuple[str, Any], str]]:
    d, r = (cast(Table, one.__table__).c for one in (Deadline, Requirement))
    found: dict[int, dict[tuple[str, Any], str]] = {}
    waiting = (
        select(d.case_id, r.name, d.due_on)
        .join(cast(Table, Requirement.__table__), r.id == d.requirement_id)
        .where(d.case_id.in_([case.id for case in cases]), d.done_on.is_(None), d.ended_on.is_(None))
        .order_by(d.due_on)
    )
    for case_id, name, due_on in session.connection().execute(waiting):
        told = f"{name} ({due_on:%d.%m.%Y})" if due_on else name
        found.setdefault(case_id, {})[name, due_on] = told
    return found
