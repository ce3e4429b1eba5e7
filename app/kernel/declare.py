"""The words in which an entity tells the product about itself. Nothing here knows Flask.

An entity is a class of :class:`app.kernel.orm.Record`. Beside its columns stands one :class:`Admin`; from the two
the kernel builds the screens, filters, permissions, REST API, exports, prints and history of that entity.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from sqlalchemy import ForeignKey, Table
from sqlalchemy.orm import MappedColumn, Relationship, mapped_column, relationship
from sqlalchemy.sql.elements import ColumnElement


def N_(message: str) -> str:
    """Mark a message for translation; it is translated where it is shown."""
    return message


class Choice(enum.Enum):
    """A closed list of values. The name is stored, posted and sent by the API; the value is the label."""

    def __str__(self) -> str:
        return str(self.value)

    @property
    def colour(self) -> str:
        """The colour of its badge, one of the kit's names; empty for a plain word. Never the only sign."""
        return ""


class May(enum.IntFlag):
    """What a role may do with an entity. Each flag is one permission, ``can_<flag>`` on the entity's class name."""

    NOTHING = 0
    LIST = 1
    SHOW = 2
    ADD = 4
    EDIT = 8
    DELETE = 16
    PRINT = 32
    EXPORT = 64
    API = 128
    READ = LIST | SHOW
    WRITE = READ | ADD | EDIT
    ALL = WRITE | DELETE | PRINT | EXPORT | API

    @cached_property
    def permission(self) -> str:
        """Name of the permission in the database; only for a single flag."""
        return f"can_{str(self.name).lower()}"


class Reach(Choice):
    """How far a role sees: the widest set of records that its holder may meet."""

    EVERYTHING = N_("Everything")
    MUNICIPALITY = N_("Own municipality")
    PRECINCT = N_("Own precinct")
    ORGANISATION = N_("Own organisation")
    OWN = N_("Own cases")
    AGENDA = N_("Agenda of own commissions")
    NOTHING = N_("No records")


@dataclass(frozen=True)
class Viewer:
    """Who is asking, as far as row visibility goes. Roles add up: a record in reach of one of them is seen."""

    user_id: int | None = None
    reaches: frozenset[Reach] = frozenset()
    staff_id: int | None = None
    organisation_id: int | None = None
    municipality_id: int | None = None
    precinct_id: int | None = None
    zone: str = ""  # the time zone of where he works; empty: of the installation
    blind: frozenset[str] = frozenset()  # tables whose rows he may not list: what is computed from them he does not see

    @property
    def sees_everything(self) -> bool:
        return Reach.EVERYTHING in self.reaches


NOBODY = Viewer()
SYSTEM = Viewer(reaches=frozenset({Reach.EVERYTHING}))

# The one role that the kernel itself knows: its holder gives out the others.
ADMINISTRATOR = "Администратор"

# A scope turns columns (of a table, a class or an alias of either) and a viewer into the rows he may see.
# None means: every row.
Scope: TypeAlias = Callable[[Any, Viewer], ColumnElement[bool] | None]

Order: TypeAlias = tuple[str, Literal["asc", "desc"]]


@dataclass(frozen=True)
class Print:
    """A printed form of a record: the template (``.html`` for PDF, ``.docx`` for Word) and what fills it.

    ``build`` names a function ``module:function`` that takes the record and returns the template's plain values;
    it is imported at the first print, so that printing costs nothing at start-up.
    """

    title: str
    template: str
    build: str


@dataclass(frozen=True)
class Page:
    """A record's page made by hand, in place of the generated one, whose blocks its template may keep or change.

    ``build`` names a function ``module:function`` that takes the record's line and returns the template's plain
    values; it is imported when the page is first asked for. ``tells`` names the entities whose rows the page shows
    itself; lists of any other that asks for one follow as on a generated page.
    """

    template: str
    build: str
    tells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tab:
    """A part of a list that is kept apart, such as unconfirmed signals: a name in the address and fixed filters."""

    key: str
    title: str
    filters: Mapping[str, str]


@dataclass(frozen=True)
class Screen:
    """A hand-written screen of a record, opened by a button on its page by whoever may do this with the entity.

    A screen that ends in a new record of another entity is for those who may add one. ``when`` looks at the record's
    line: the button stands there only while the screen is a sensible next step.
    """

    title: str
    endpoint: str
    may: May = May.SHOW
    adds: type[Any] | None = None
    when: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class Alike:
    """By what it is told that a record is of somebody who is known already: names of its fields.

    ``place`` is the path to the organisation that keeps it («family.organisation»), ``contact`` the field of that one
    by which its people are reached, and ``told`` the field that says whether it is named to others at all.
    """

    name: str
    born: str = ""
    phone: str = ""
    address: str = ""
    place: str = ""
    contact: str = ""
    told: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """What is compared, by what it is."""
        known = {"name": self.name, "born": self.born, "phone": self.phone, "address": self.address}
        return {what: name for what, name in known.items() if name}


@dataclass(frozen=True)
class Admin:
    """Everything the product needs to know of an entity beside its columns.

    Names in the tuples are attributes of the entity; ``check`` refuses a name that does not exist.
    """

    one: str  # what a record is called: «Family»
    title: str  # what the list is called: «Families»
    name: tuple[str, ...]  # the columns that stand for the record in links and drop-downs
    list: tuple[str, ...]  # columns of the list
    form: Mapping[str, tuple[str, ...]]  # section title -> fields
    may: Mapping[str, May]  # role -> what it may do; a role that is not named may do nothing
    scope: Scope
    show: tuple[str, ...] = ()  # shown under the form's fields on the record's page: derived values
    search: tuple[str, ...] = ()  # columns of text and dates, and relations whose own search is asked too
    found: tuple[str, ...] | None = None  # found by the search of the whole site, with these under its name
    alike: Alike | None = None  # when one is typed, those that are there already are offered
    filters: tuple[str, ...] = ()  # fields that can be filtered
    bulk: tuple[str, ...] = ()  # fields of the form that may be set for several records at once
    order: Order = ("id", "desc")
    inline: tuple[str, ...] = ()  # child rows edited in this form
    prints: Mapping[str, Print] = field(default_factory=dict)
    # Papers printed from the list: a journal, a register. One under the key of a tab is the paper of that tab.
    lists: Mapping[str, Print] = field(default_factory=dict)
    scans: bool = False  # signed papers are attached to its records, also when nothing prints from them
    tabs: tuple[Tab, ...] = ()
    screens: tuple[Screen, ...] = ()
    page: Page | None = None
    merges: bool = False  # two records that turn out to be one may be merged
    beside: tuple[tuple[str, Any], ...] = ()  # (field, entity): rows that share this field's record, on the page too
    help: str = ""  # one sentence: what the list is for, shown when it is empty
    icon: str = "list-details"


@dataclass(frozen=True)
class Check:
    """How a number is read that people write in many ways: a telephone, an identity number.

    ``read`` turns what was typed into the one form that is kept, or raises ``ValueError`` with a message to translate.
    """

    read: Callable[[str], str]
    keyboard: Literal["tel", "email", "numeric"]  # what a telephone shows to type it with


@dataclass(frozen=True)
class Derived:
    """A value worked out from columns of the same row by a pure function; never stored.

    In a list it is computed from the selected columns, so it costs no statement.
    """

    label: str
    rule: Callable[..., Any]
    needs: tuple[str, ...]
    help: str = ""

    def __get__(self, record: Any, owner: type | None = None) -> Any:
        if record is None:
            return self
        return self.rule(*(getattr(record, name) for name in self.needs))


@dataclass(frozen=True)
class Aggregate:
    """The number of child rows, or the sum of one of their columns, computed by the database."""

    label: str
    relation: str
    column: str = ""  # empty: rows are counted
    help: str = ""

    def __get__(self, record: Any, owner: type | None = None) -> Any:
        if record is None:
            return self
        rows = getattr(record, self.relation)
        return sum(getattr(row, self.column) or 0 for row in rows) if self.column else len(rows)


@dataclass(frozen=True)
class Hint:
    """What a form suggests for a field: a value as its input posts it, what that is called, and why.

    ``fills``: it is put into a new form by itself. ``warns``: what stands there is unusual; it may stay nevertheless.
    """

    value: str
    label: str
    reason: str
    fills: bool = False
    warns: bool = False


# A value as a scope is written: columns (of a table or an alias of it) and a viewer become an expression.
Measure: TypeAlias = Callable[[Any, Viewer], ColumnElement[Any]]


@dataclass(frozen=True)
class Computed:
    """A value that the database works out from the row and what belongs to it: shown, filtered and sorted as stored.

    What kind of value it is follows from the type of the expression.
    """

    label: str
    sql: Measure
    help: str = ""


@dataclass(frozen=True)
class Reached:
    """The record at the end of a path of references: the family of a plan's row."""

    label: str
    path: str
    help: str = ""

    def __get__(self, record: Any, owner: type | None = None) -> Any:
        if record is None:
            return self
        for name in self.path.split("."):
            record = getattr(record, name) if record is not None else None
        return record


def derived(label: str, rule: Callable[..., Any], needs: Sequence[str], help: str = "") -> Any:
    """A column that is computed: ``age = derived(N_("Age"), rules.age, ("born_on",))``."""
    return Derived(label, rule, tuple(needs), help)


def counted(label: str, relation: str) -> Any:
    """The number of rows of a child relation."""
    return Aggregate(label, relation)


def summed(label: str, relation: str, column: str) -> Any:
    """The sum of a column over the rows of a child relation."""
    return Aggregate(label, relation, column)


def computed(label: str, sql: Measure, help: str = "") -> Any:
    """A value by the database: ``last_visit = computed(N_("Last visit"), latest("visit.case_id", "held_on"))``."""
    return Computed(label, sql, help)


def reached(label: str, path: str, help: str = "") -> Any:
    """A record further on: ``family = reached(N_("Family"), "goal.plan.case.family")``."""
    return Reached(label, path, help)


def column(
    label: str,
    type_: Any = None,
    *,
    help: str = "",
    auto: bool = False,
    secret: bool = False,
    alone: bool = False,
    check: Check | None = None,
    happened: bool = False,
    among: str = "",
    suggest: str = "",
    **options: Any,
) -> MappedColumn[Any]:
    """A stored value.

    ``auto``: may be left empty in a form, the record fills it in itself. ``secret``: kept out of lists, exports,
    filters and the history (a declaration that names it is refused). ``alone``: seldom filled in, so asked for in the
    record's own form and not where it is a row of another's. ``check``: how a number of this kind is read, one of
    app/kernel/numbers.py. ``happened``: the day of what has been done; one that is still to come is refused.
    ``among`` and ``suggest``: see :func:`parent`.
    """
    args = () if type_ is None else (type_,)
    info = {
        "label": label,
        "help": help,
        "auto": auto,
        "secret": secret,
        "alone": alone,
        "check": check,
        "happened": happened,
        "among": among,
        "suggest": suggest,
    }
    return mapped_column(*args, info=info, **options)


def reference(target: str, *, owned: bool = False, **options: Any) -> MappedColumn[Any]:
    """A foreign key, always indexed. ``owned``: the row goes when the record it belongs to goes."""
    return mapped_column(ForeignKey(target, ondelete="CASCADE" if owned else "RESTRICT"), index=True, **options)


def parent(
    label: str,
    *,
    help: str = "",
    narrow: tuple[str, str] | None = None,
    among: str = "",
    mine: str = "",
    panel: bool = False,
    suggest: str = "",
    **options: Any,
) -> Relationship[Any]:
    """The record that a foreign key of this row points to.

    ``narrow=("case", "plan.case")`` offers only records whose path leads to the same record as a field of this form.
    ``among="edition.grounds"`` offers only what the path from this row ends in; where it ends in nothing, everything.
    ``mine="organisation_id"`` proposes the viewer's own organisation when a record is added.
    ``panel``: the rows that point to a record are listed on its page.
    ``suggest`` names a function ``module:function`` that is given the form's values by name and answers with what to
    choose and why (:class:`Hint`), or with nothing; forms tell it under the input, and anew when a value changes.
    """
    info = {
        "label": label,
        "help": help,
        "narrow": narrow,
        "among": among,
        "mine": mine,
        "panel": panel,
        "suggest": suggest,
    }
    return relationship(info=info, **options)


def children(label: str, *, order_by: str, back: str, **options: Any) -> Relationship[Any]:
    """Rows that belong to this record and go with it. ``back`` is the child's attribute that points here."""
    return relationship(
        info={"label": label},
        back_populates=back,
        order_by=order_by,
        cascade="all, delete-orphan",
        passive_deletes=True,
        **options,
    )


def links(
    label: str,
    table: Table,
    *,
    help: str = "",
    narrow: tuple[str, str] | None = None,
    checks: bool = False,
    **options: Any,
) -> Relationship[Any]:
    """Several records of another entity, chosen while typing, or ticked in a list when there are few (``checks``)."""
    info = {"label": label, "help": help, "narrow": narrow, "checks": checks}
    return relationship(info=info, secondary=table, **options)
