"""The blocks of the desk: each a list under its filters, and what a line of it says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import urlencode

from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.cases.models import Case
from app.cases.rules import MONITORING_MONTHS, monitoring_due, months_from
from app.deadlines.models import Deadline
from app.desk import rules
from app.desk.rules import WEEK
from app.handover.models import Handover
from app.journal.models import Contact
from app.kernel import clock
from app.kernel.access import allowed, may, require_identity
from app.kernel.declare import N_, May
from app.kernel.grants import COUNT, MANAGE_ACCOUNTS
from app.kernel.i18n import gettext
from app.kernel.orm import Row
from app.kernel.query import Line, ListQuery, totals
from app.kernel.schema import schema_of
from app.kernel.screens.base import reader
from app.kernel.show import text
from app.meetings.models import AgendaItem, Commission, Meeting
from app.plans.models import Activity, Plan
from app.risks.models import RiskLevel
from app.signals.models import Signal
from app.signals.urgent import countdown, waits


@dataclass(frozen=True)
class Item:
    """A line of a block: whom it is about, what, how late; it leads to the record."""

    path: str
    title: str
    note: str = ""
    late: str = ""
    when: str = ""
    day: dt.date | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """A number on the desk, the filtered list behind it, and how its first lines read.

    ``reminds``: something here waits for its reader today, so a letter reminds him of it (app/post).
    """

    title: str
    entity: type[Row]
    filters: Mapping[str, str | Sequence[str]]
    names: tuple[str, ...] = ()
    tell: Callable[[Line, dt.date], Item] | None = None
    sort: str = ""
    reminds: bool = False

    def of(self, filters: Mapping[str, str]) -> Block:
        """The same with more filters: one curator's share of it."""
        return replace(self, filters={**self.filters, **filters})

    @property
    def path(self) -> str:
        return f"/{schema_of(self.entity).slug}/?{urlencode(self.filters, doseq=True)}"

    @cached_property
    def query(self) -> ListQuery:
        """What the address asks for, in the order in which the lines are read here."""
        args: MultiDict[str, str] = MultiDict()
        for key, value in self.filters.items():
            args.setlist(key, [value] if isinstance(value, str) else list(value))
        query = ListQuery.parse(schema_of(self.entity), args)
        if not self.sort:
            return query
        return replace(query, sort=self.sort.removeprefix("-"), descending=self.sort.startswith("-"))


@dataclass(frozen=True)
class Group:
    """Blocks under one heading."""

    title: str
    icon: str
    blocks: tuple[Block, ...]
    urgent: bool = False
    by_day: bool = False
    wide: bool = False  # in the wide column


# --- Lines ------------------------------------------------------------------------------------------------


def _label(line: Line, name: str) -> str:
    return line[name].label if line[name] else ""


def _colleague(line: Line) -> str:
    """Who leads the case, unless it is the reader himself."""
    curator = line["curator"]
    return "" if curator is None or curator.id == require_identity().viewer.staff_id else curator.label


def days_late(count: int) -> str:
    return ngettext("%(num)d day late", "%(num)d days late", count)


def days_ago(day: dt.date | None, today: dt.date) -> str:
    """«Последний контакт 13 дней назад»."""
    if day is None:
        return gettext("no contact yet")
    count = (today - day).days
    if count <= 0:
        return gettext("last contact today")
    return ngettext("last contact %(num)d day ago", "last contact %(num)d days ago", count)


def activity(line: Line, today: dt.date) -> Item:
    due = line["due_on"]
    late = days_late((today - due).days) if due < today else ""
    who = line["responsible"] or _colleague(line)
    note = line["title"]
    return Item(f"/activity/{line.id}", _label(line, "family"), note, late, who, due)


def deadline(line: Line, today: dt.date) -> Item:
    due = line["due_on"]
    late = days_late(line["late"]) if line["late"] else ""
    when = " · ".join(filter(None, (_label(line, "case"), _colleague(line))))
    return Item(f"/deadline/{line.id}", _label(line, "family"), _label(line, "requirement"), late, when, due)


def signal(line: Line, today: dt.date) -> Item:
    received = line["received_at"].astimezone(clock.here())
    days = (today - received.date()).days
    late = ngettext("waits for %(num)d day", "waits for %(num)d days", days) if days > 0 else ""
    risk = gettext("risk: %(level)s", level=text(line["risk"]).lower()) if line["risk"] else ""
    if waits(line["status"], line["urgent_due_at"], line["agreed_at"]):
        late, risk = Markup(" · ").join(filter(None, (countdown(line["urgent_due_at"]), late))), ""
    elif line["risk"] is RiskLevel.HIGH:  # help is needed today
        late, risk = " · ".join(filter(None, (risk, late))), ""
    when = " · ".join(filter(None, (f"{received:%d.%m.%Y %H:%M}", risk)))
    title = " · ".join(filter(None, (line["number"], _label(line, "family") or line["reporter"])))
    return Item(f"/signal/{line.id}", title, line["content"], late, when)


def case(line: Line, today: dt.date) -> Item:
    return Item(
        f"/case/{line.id}",
        _label(line, "family"),
        days_ago(line["last_contact"], today),
        when=" · ".join(filter(None, (line["number"], _colleague(line)))),
    )


def unconsented(line: Line, today: dt.date) -> Item:
    opened = gettext("opened %(day)s, the consent is not on file", day=text(line["opened_on"]))
    return replace(case(line, today), note=opened)


def monitored(line: Line, today: dt.date) -> Item:
    due = monitoring_due(line["watched_from"])
    late = days_late((today - due).days) if due and due < today else gettext("today")
    return replace(case(line, today), note=gettext("the monitoring of the quarter"), late=late)


def item(line: Line, today: dt.date) -> Item:
    title = " · ".join(filter(None, (_label(line, "family"), _label(line, "case"))))
    return Item(
        f"/agenda-item/{line.id}", title, line["question"], when=_label(line, "commission"), day=line["held_on"]
    )


def meeting(line: Line, today: dt.date) -> Item:
    questions = ngettext("%(num)d question", "%(num)d questions", line["item_count"])
    return Item(f"/meeting/{line.id}", _label(line, "commission"), questions, when=text(line["held_on"]))


def commission(line: Line, today: dt.date) -> Item:
    ahead, last = line["next_met"], line["last_met"]
    late = gettext("%(day)s is later than the procedure asks", day=text(ahead)) if ahead else ""
    when = gettext("last meeting %(day)s", day=text(last)) if last else gettext("has not met yet")
    return Item(f"/commission/{line.id}", line["name"], late or gettext("the next meeting is not appointed"), when=when)


def plan(line: Line, today: dt.date) -> Item:
    when = " · ".join(filter(None, (line["number"], _colleague(line))))
    since = gettext("agreed %(day)s", day=text(line["agreed_on"])) if line["agreed_on"] else ""
    made = gettext("made %(day)s", day=text(line["made_on"]))
    return Item(f"/plan/{line.id}", _label(line, "family"), since or made, when=when)


def handed(line: Line, today: dt.date) -> Item:
    who = line["giver"].label if line["giver"] else gettext("No curator")
    term = gettext("until %(day)s", day=text(line["until"])) if line["until"] else ""
    note = gettext("from %(who)s: %(why)s", who=who, why=text(line["reason"]).lower())
    late = days_late((today - line["until"]).days) if line["until"] and line["until"] < today else ""
    title = " · ".join(filter(None, (_label(line, "family"), _label(line, "case"))))
    return Item(f"/handover/{line.id}", title, note, late, term or text(line["day"]))


def unled(line: Line, today: dt.date) -> Item:
    return replace(case(line, today), late=gettext("%(who)s is away", who=_label(line, "curator")))


DEADLINE = ("requirement", "case", "family", "curator", "due_on", "late")
ACTIVITY = ("title", "family", "due_on", "responsible", "curator")
SIGNAL = (
    "number", "received_at", "reporter", "content", "risk", "family", "status", "urgent_due_at", "agreed_at",
)  # fmt: skip
CASE = ("number", "family", "curator", "last_contact", "opened_on")
PLAN = ("number", "family", "curator", "made_on", "agreed_on")
ITEM = ("question", "case", "family", "commission", "held_on")
HANDED = ("case", "family", "giver", "receiver", "day", "until", "reason")
MEETING = ("held_on", "commission", "item_count")
COMMISSION = ("name", "last_met", "next_met")


NOBODY = 2**31 - 1  # a number that no member of staff has: whoever is none has received nothing


# --- Blocks -----------------------------------------------------------------------------------------------


def open_cases() -> Block:
    return Block(N_("Open cases"), Case, {"status": "OPEN"})


def signals() -> Block:
    return Block(N_("Signals"), Signal, {})


def terms(title: str, tab: str, *, reminds: bool = False) -> Block:
    """A tab of the list of terms."""
    return Block(title, Deadline, {"tab": tab}, DEADLINE, deadline, "due_on", reminds=reminds)


def overdue_terms() -> Block:
    return terms(N_("Overdue terms"), "overdue", reminds=True)


def overdue(today: dt.date) -> Block:
    yesterday = today - dt.timedelta(days=1)
    filters = {"due_on.to": f"{yesterday}", "done_on.empty": "1", "at_work": "1"}
    return Block(N_("Overdue activities"), Activity, filters, ACTIVITY, activity, reminds=True)


def high_risk() -> Block:
    filters = {"status": "OPEN", "risk": "HIGH"}
    return Block(N_("Open cases at high risk"), Case, filters, CASE, case, "last_contact")


def quiet() -> Block:
    filters = {"status": "OPEN", "quiet": "1"}
    return Block(N_("Long without contact"), Case, filters, CASE, case, "last_contact", reminds=True)


def unscheduled() -> Block:
    """Commissions that procedures ask to sit more often (PRM-T2)."""
    title = N_("Meetings to appoint")
    return Block(title, Commission, {"unscheduled": "1"}, COMMISSION, commission, "name", reminds=True)


def hands() -> tuple[Block, ...]:
    """What has passed to the reader, and what ought to pass: of the absent, and back to those who have returned."""
    yesterday = clock.today() - dt.timedelta(days=1)
    mine = str(require_identity().viewer.staff_id or NOBODY)
    received = {"receiver": mine, "state": "IN_FORCE", "read_on.empty": "1"}
    over = {"state": "IN_FORCE", "temporary": "1", "until.to": f"{yesterday}"}
    return (
        Block(N_("Cases handed over to you"), Handover, received, HANDED, handed, "day", reminds=True),
        Block(N_("The curator is away"), Case, {"status": "OPEN", "curator_away": "1"}, CASE, unled, "last_contact"),
        Block(N_("Time to return cases"), Handover, over, HANDED, handed, "until", reminds=True),
    )


def casework(today: dt.date) -> tuple[Group, ...]:
    """The day of whoever leads cases, or answers for those who do."""
    yesterday, week = today - dt.timedelta(days=1), today + dt.timedelta(days=WEEK)
    due = months_from(today, -MONITORING_MONTHS)
    unanswered = {"status": "NEW", "received_at.to": f"{yesterday}"}
    ahead = {"due_on.from": f"{today}", "due_on.to": f"{week}", "done_on.empty": "1", "at_work": "1"}
    arrived = {"status": "NEW", "received_at.from": f"{today}"}
    unsigned = {"status": "OPEN", "consent_on.empty": "1"}
    to_agree = {
        "urgent_due_at.empty": "0",
        "agreed_at.empty": "1",
        "status": ("NEW", "CHECKING", "CONFIRMED"),
    }
    return (
        Group(
            N_("Urgent"),
            "alert-triangle",
            (
                Block(N_("Urgent measures to agree"), Signal, to_agree, SIGNAL, signal, "urgent_due_at", reminds=True),
                Block(N_("Signals without an answer"), Signal, unanswered, SIGNAL, signal, "received_at", reminds=True),
                overdue_terms(),
                overdue(today),
                high_risk(),
                Block(N_("Cases without consent on file"), Case, unsigned, CASE, unconsented, "opened_on"),
            ),
            urgent=True,
            wide=True,
        ),
        Group(
            N_("Today and this week"),
            "calendar",
            (
                terms(N_("Terms due today"), "today", reminds=True),
                terms(N_("Terms due this week"), "week"),
                Block(N_("Activities due within a week"), Activity, ahead, ACTIVITY, activity),
            ),
            by_day=True,
            wide=True,
        ),
        Group(N_("From hand to hand"), "users", hands()),
        Group(
            N_("New signals"),
            "bell",
            (Block(N_("Signals received today"), Signal, arrived, SIGNAL, signal),),
        ),
        Group(
            N_("Meetings ahead"),
            "gavel",
            (Block(N_("Our cases on the agenda"), AgendaItem, {"held_on.from": f"{today}"}, ITEM, item, "held_on"),),
            by_day=True,
        ),
        Group(N_("Keep in touch"), "phone", (quiet(),)),
        Group(
            N_("Waiting for signature"),
            "pencil",
            (
                Block(N_("Plans waiting for approval"), Plan, {"status": "AGREED"}, PLAN, plan, "agreed_on"),
                Block(N_("Plans to agree with the family"), Plan, {"status": "DRAFT"}, PLAN, plan, "made_on"),
            ),
        ),
        Group(
            N_("Time for monitoring"),
            "clipboard-check",
            (
                Block(
                    N_("Monitoring is due"),
                    Case,
                    # Where a version of a procedure says when, its terms do.
                    {"status": "OPEN", "edition.empty": "1", "watched_from.to": f"{due}"},
                    (*CASE, "watched_from"),
                    monitored,
                    "watched_from",
                    reminds=True,
                ),
            ),
        ),
    )


def secretary(today: dt.date) -> tuple[Group, ...]:
    """The day of whoever prepares the sittings and writes their protocols."""
    ahead, past = {"held_on.from": f"{today}"}, {"undecided": "1", "held_on.to": f"{today}"}
    return (
        Group(
            N_("After the meetings"),
            "pencil",
            (
                Block(N_("Protocols to make"), Meeting, past, MEETING, meeting, "held_on", reminds=True),
                Block(N_("Questions without a decision"), AgendaItem, past, ITEM, item, "held_on"),
            ),
            urgent=True,
            wide=True,
        ),
        Group(
            N_("Sittings ahead"),
            "calendar-event",
            (unscheduled(), Block(N_("Meetings"), Meeting, ahead, MEETING, meeting, "held_on")),
            wide=True,
        ),
        Group(
            N_("For the next agenda"),
            "clipboard-list",
            (Block(N_("Plans waiting for approval"), Plan, {"status": "AGREED"}, PLAN, plan, "agreed_on"),),
        ),
    )


def agenda(today: dt.date) -> Block:
    """What a member of a commission prepares for."""
    return Block(
        N_("Questions of the next meetings"),
        AgendaItem,
        {"held_on.from": f"{today}"},
        ("meeting", "held_on", "position", "case", "family", "commission", "kind", "question"),
        item,
        "held_on",
    )


def by_curator(today: dt.date) -> tuple[Block, ...]:
    """What a supervisor compares: the columns of the table of curators."""
    return (open_cases(), high_risk(), overdue_terms(), overdue(today), quiet())


# --- What of it is whose ----------------------------------------------------------------------------------


def parts() -> list[str]:
    """The parts of the desk of whoever is asking."""
    return rules.parts(
        {reach.name for reach in require_identity().viewer.reaches},
        leads_cases=may(May.ADD, Contact) and may(May.LIST, Case),
        keeps_meetings=may(May.EDIT, Meeting),
        manages=allowed(*MANAGE_ACCOUNTS),
        counts=allowed(*COUNT),
    )


def groups(today: dt.date) -> list[Group]:
    """What waits for whoever is asking, under its headings."""
    mine, found = parts(), list[Group]()
    if rules.CASEWORK in mine:
        found.extend(casework(today))
    if rules.SECRETARY in mine:
        found.extend(secretary(today))
    elif rules.STAFF in mine:
        found.append(Group(N_("Sittings ahead"), "calendar-event", (unscheduled(),)))
    return found


def open_to_reader(wanted: Sequence[Block]) -> list[Block]:
    return [block for block in wanted if may(May.LIST, block.entity)]


def counts(wanted: Sequence[Block]) -> dict[Block, int]:
    """The numbers of all these blocks, in one statement."""
    found = totals([(reader(schema_of(block.entity)), block.query) for block in wanted])
    return dict(zip(wanted, found, strict=True))
