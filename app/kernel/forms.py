"""Forms out of declarations: WTForms fields for the entity's own values, and rows for the children edited with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from flask_babel import get_translations
from markupsafe import Markup, escape
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Forbidden
from wtforms import BooleanField, DateField, Form, SelectField, StringField, TextAreaField
from wtforms import Field as FormField
from wtforms.fields import Label
from wtforms.validators import Length, Optional, StopValidation, ValidationError

from app.kernel import clock
from app.kernel.access import may
from app.kernel.declare import N_, Admin, Choice, Hint, May
from app.kernel.history import last_change
from app.kernel.i18n import gettext
from app.kernel.orm import Record, viewer_of
from app.kernel.parts import Slot, gap_of
from app.kernel.query import Ref, reader, record_number
from app.kernel.schema import Field, Kind, Schema, schema_of
from app.kernel.show import text as shown
from app.kernel.writing import Refused, Wrong, offered

FILL = N_("Fill in this field.")
CHOOSE = N_("Choose a value from the list.")
NOT_A_NUMBER = N_("A number is expected, such as 6800 or 6800,50.")
NOT_A_DATE = N_("A date is expected, such as 31.12.2026.")
TOO_LONG = N_("Too long: at most %(max)d characters.")
GONE = N_("This record is not there any more: choose another.")
LONGEST = 100_000  # characters of a long text: a bound against mistakes, far above any real entry
MANY_ROWS = 200  # child rows that one form takes


class _Words:
    """WTForms asks its catalogue; ours answers, so that every message is translated in one place."""

    gettext: ClassVar[Callable[[str], str]] = staticmethod(lambda text: gettext(text))
    # WTForms fills the places itself, so the translation goes back with them.
    ngettext: ClassVar[Callable[[str, str, int], str]] = staticmethod(
        lambda one, many, n: get_translations().ngettext(one, many, n)
    )


class EntityForm(Form):
    """The base of every generated form."""

    class Meta:
        def get_translations(self, form: Form) -> type[_Words]:
            return _Words

        def bind_field(self, form: Form, unbound: Any, options: Mapping[str, Any]) -> FormField:
            """A field of a class is made once; each form has a copy, which takes a tenth of the time."""
            if (made := getattr(unbound, "made", None)) is None:
                made = unbound.bind(form=form, **{**options, "prefix": ""})
                made._form = made.meta = None
                unbound.made = made
            item: FormField = object.__new__(type(made))
            item.__dict__.update(made.__dict__, _form=form, meta=self)
            if prefix := options["prefix"]:
                item.id = item.name = prefix + made.name
                item.label = Label(item.id, made.label.text)
            return item

    @property
    def wrong(self) -> list[Wrong]:
        return [Wrong(name, str(message)) for name, messages in self.errors.items() for message in messages]


def clean(value: str | None) -> str | None:
    """Trimmed text without what no database takes; nothing typed is nothing stored."""
    if value is None:
        return None
    value = value.replace("\r\n", "\n").replace("\x00", "").strip()
    return value.encode("utf-8", "ignore").decode() or None


class NumberField(StringField):
    """A number as people type it: comma or point, spaces between thousands. Kept as typed until it is right."""

    def __init__(self, *args: Any, whole: bool = False, scale: int = 2, **options: Any) -> None:
        super().__init__(*args, **options)
        self.whole, self.scale = whole, scale
        self.most = Decimal(10**10) - Decimal(1).scaleb(-scale)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data).replace(".", ",")

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").replace("\xa0", "").replace(" ", "").replace(",", ".")
        self.data = None
        if not text:
            return
        try:
            number = Decimal(text)
            if not number.is_finite() or abs(number) > (2**31 - 1 if self.whole else self.most):
                raise InvalidOperation
            self.data = int(number) if self.whole else number.quantize(Decimal(1).scaleb(-self.scale))
            if self.whole and self.data != number:
                raise InvalidOperation
        except (InvalidOperation, ValueError):
            self.data = None
            raise ValueError(gettext(NOT_A_NUMBER)) from None


class DayField(DateField):
    """A date: the browser's own input posts ISO; a typed дд.мм.гггг is taken as well."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, format=["%Y-%m-%d", "%d.%m.%Y"], **options)

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([text for text in valuelist if text])
        except ValueError:
            raise ValueError(gettext(NOT_A_DATE)) from None
        if self.data is not None and not 1900 <= self.data.year <= 2200:
            raise ValueError(gettext(NOT_A_DATE))


class MomentField(StringField):
    """A date and time of the organisation's time zone."""

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else self.typed(self.data)

    @staticmethod
    def typed(moment: dt.datetime | None) -> str:
        """The moment as the browser's input takes it: to the minute."""
        return f"{moment.astimezone(clock.here()):%Y-%m-%dT%H:%M}" if moment else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        text, self.data = valuelist[0] if valuelist else "", None
        if not text:
            return
        for read in (dt.datetime.fromisoformat, lambda text: dt.datetime.strptime(text, "%d.%m.%Y %H:%M")):
            try:
                moment = read(text)
            except ValueError:
                continue
            if 1900 <= moment.year <= 2200:
                self.data = (moment if moment.tzinfo else moment.replace(tzinfo=clock.here())).astimezone(dt.UTC)
                return
        raise ValueError(gettext(NOT_A_DATE))


class ReferenceField(FormField):
    """Another record, chosen while typing: the number is posted, the label is looked up within reach."""

    def __init__(self, *args: Any, declared: Field, **options: Any) -> None:
        super().__init__(*args, **options)
        self.declared = declared
        self.data: Any = None  # a number, or a list of numbers
        self.chosen: list[Ref] = []
        self.offered: list[Ref] = []  # when these alone are offered; they are few

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if self.raw_value:
            try:
                self.data = record_number(self.raw_value)
            except ValueError:
                raise ValueError(gettext(CHOOSE)) from None

    @property
    def raw_value(self) -> str:
        """The number as it was posted."""
        return self.raw_data[0] if self.raw_data else ""

    @property
    def ids(self) -> list[int]:
        return [self.data] if self.data else []

    def iter_choices(self) -> Iterable[tuple[str, str, bool, dict[str, Any]]]:
        """Those that alone are offered, and the one that is chosen, as the options of a short list."""
        for one in (Ref(0, "—"), *dict.fromkeys((*self.offered, *self.chosen))) if self.offered else ():
            yield str(one.id or ""), one.label, one.id in self.ids, {}


class ReferencesField(ReferenceField):
    """Several other records."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            self.data = list(dict.fromkeys(record_number(text) for text in valuelist if text))
        except ValueError:
            self.data = []
            raise ValueError(gettext(CHOOSE)) from None
        if len(self.data) > MANY_ROWS:
            self.data = []
            raise ValueError(gettext(CHOOSE))

    @property
    def ids(self) -> list[int]:
        return list(self.data or ())


class ChoiceField(SelectField):
    """A value of a closed list; its name is posted."""

    def __init__(self, *args: Any, declared: Field, **options: Any) -> None:
        assert declared.choices is not None
        self.enum: type[Choice] = declared.choices
        # A value that must be given and has no default is chosen knowingly: none stands there before.
        demanded = declared.required and (declared.column is None or declared.column.default is None)
        empty = [("", N_("Choose…"))] if demanded else [] if declared.required else [("", "—")]
        self.options = [*empty, *((choice.name, choice.value) for choice in self.enum)]
        super().__init__(*args, choices=[], coerce=self._coerce, **options)

    def _coerce(self, value: Any) -> Choice | None:
        if value is None or isinstance(value, self.enum):
            return value
        return self.enum[value] if value else None

    def iter_choices(self) -> Any:
        for value, text in self.options:
            chosen = self.data.name if self.data else ""
            yield value, gettext(text), value == chosen, {}

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            self.data = self._coerce(valuelist[0] if valuelist else None)
        except KeyError:
            self.data = None
            raise ValueError(gettext(CHOOSE)) from None

    def pre_validate(self, form: Form) -> None:
        """The value was coerced from the list itself."""


def _filled(form: Form, field: FormField) -> None:
    """Something readable stands in the field; spaces alone are nothing."""
    if field.data is None:
        raise StopValidation() if field.errors else StopValidation(gettext(FILL))


def _form_field(declared: Field) -> Any:
    validators: list[Any] = [_filled if declared.required else Optional()]
    options: dict[str, Any] = {"validators": validators}
    match declared.kind:
        case Kind.TEXT | Kind.LONG:
            long = declared.kind is Kind.LONG
            most = getattr(declared.column.type, "length", None) or 200  # type: ignore[union-attr]
            if long or declared.check is not None:  # the one form of a number is shorter than it may be typed
                most = LONGEST if long else 200
            validators.append(_Length(max=most))
            kind = TextAreaField if long else StringField
            return kind(declared.label, filters=[clean], **options)
        case Kind.INTEGER:
            return NumberField(declared.label, whole=True, **options)
        case Kind.NUMBER:
            scale = getattr(declared.column.type, "scale", 2)  # type: ignore[union-attr]
            return NumberField(declared.label, scale=scale, **options)
        case Kind.DATE:
            return DayField(declared.label, **options)
        case Kind.MOMENT:
            return MomentField(declared.label, **options)
        case Kind.BOOL:
            return BooleanField(declared.label, false_values=(False, "false", "0", ""))
        case Kind.CHOICE:
            return ChoiceField(declared.label, declared=declared, **options)
        case Kind.REFERENCE:
            return ReferenceField(declared.label, declared=declared, **options)
        case Kind.REFERENCES:
            return ReferencesField(declared.label, declared=declared)
        case _:
            raise TypeError(f"{declared.name}: {declared.kind} has no input")


class _Length(Length):
    def __call__(self, form: Form, field: FormField) -> None:
        if field.data and len(field.data) > self.max:
            raise ValidationError(gettext(TOO_LONG, max=self.max))


@cache
def form_class(schema: Schema, without: str = "") -> type[EntityForm]:
    """The form of an entity; ``without`` leaves out the reference to the parent whose form holds it as a row."""
    names = schema.row_names(without) if without else schema.form_names
    fields = {name: _form_field(schema.field(name)) for name in names}
    return type(f"{schema.resource}Form", (EntityForm,), fields)


@cache
def form_of(schema: Schema, name: str) -> type[EntityForm]:
    """A form of one field of an entity alone. It opens empty: nothing is proposed for many records at once."""
    return type(
        f"{schema.resource}Form", (EntityForm,), {name: _form_field(replace(schema.field(name), required=False))}
    )


def shown_in(declared: Field, item: Any) -> Any:
    """What stands in an input: its text, its options, or the mark of a box that is ticked."""
    if isinstance(item, Slot):
        return item.shown
    match declared.kind:
        case Kind.LONG:
            return item.data or ""
        case Kind.BOOL:
            return Markup(" checked") if item.data else ""
        case Kind.REFERENCE | Kind.REFERENCES if not item.offered:
            return _options((one.id, one.label, True) for one in item.chosen)
        case Kind.CHOICE | Kind.REFERENCE:
            return _options((value, text, chosen) for value, text, chosen, _extra in item.iter_choices())
        case Kind.DATE:
            return item.raw_data[0] if item.raw_data else item.data.isoformat() if item.data else ""
        case _:
            return item._value()


def _options(options: Iterable[tuple[Any, str, bool]]) -> Markup:
    return Markup(
        "\n".join(
            f'<option value="{escape(value)}"{" selected" if chosen else ""}>{escape(text)}</option>'
            for value, text, chosen in options
        )
    )


@dataclass(frozen=True)
class Theirs:
    """What another has saved in a field meanwhile: in words, and as the input takes it (values with their names)."""

    words: str
    value: list[tuple[str, str]]


@dataclass(frozen=True)
class Complaint:
    """A fault as the summary above the form tells it; the place is the id of the input."""

    place: str
    label: str
    message: str


@dataclass
class ChildRow:
    """A child edited inside its parent's form."""

    form: EntityForm
    id: int | None = None
    deleted: bool = False
    index: str = ""
    version: int = 0
    record: Record | None = None
    theirs: dict[str, Theirs] = field(default_factory=dict)
    saved: str = ""  # by whom and when, when another has saved it meanwhile
    gone: bool = False  # another has deleted it meanwhile

    @property
    def stale(self) -> bool:
        """Whether somebody has changed or deleted the child since the form was opened."""
        return self.id is not None and (self.record is None or self.record.version != self.version)

    @property
    def is_plain(self) -> bool:
        """Whether nothing stands in the row but its values: no fault, and nothing of another editor."""
        return not (self.theirs or self.saved or self.gone or self.deleted or self.form.errors)

    def gaps(self, schema: Schema, number: int | str) -> dict[str, Any]:
        """What of the row is its own, where it is drawn from a kept part."""
        own = {"index": self.index, "number": number, "id": self.id or "", "version": self.version or ""}
        return own | {gap_of(item.short_name): shown_in(schema.field(item.short_name), item) for item in self.form}


@dataclass
class Draft:
    """A form in the hands of a person: what is typed, the child rows, and what is wrong with them."""

    session: Session
    schema: Schema
    record: Record | None
    form: EntityForm
    rows: dict[str, list[ChildRow]] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)  # faults of the record as a whole
    theirs: dict[str, Theirs] = field(default_factory=dict)  # what another editor has saved meanwhile
    saved: str = ""  # ... who it was, and when
    version: int = 0
    hints: dict[str, Hint] = field(default_factory=dict)  # what is suggested, by field

    @property
    def stale(self) -> bool:
        """Whether somebody has saved the record, or a row of it, since the form was opened."""
        if self.record is None:
            return False
        return self.version != self.record.version or any(row.stale for rows in self.rows.values() for row in rows)

    @property
    def admin(self) -> Admin:
        return self.schema.admin

    def is_plain(self, name: str) -> bool:
        """Whether nothing stands at the field but its value: no fault, no advice, and nothing of another editor."""
        declared = self.schema.field(name)
        return not (declared.among or declared.suggest or name in self.theirs or self.form[name].errors)

    def gap(self, name: str) -> dict[str, Any]:
        """What stands in the field, where it is drawn from a kept part."""
        return {gap_of(name): shown_in(self.schema.field(name), self.form[name])}

    def row_schema(self, relation: str) -> Schema:
        target = self.schema.field(relation).target
        assert target is not None
        return schema_of(target)

    def blank_row(self, relation: str) -> ChildRow:
        """An empty child for the page to copy."""
        return _child(self.session, self.schema, relation, None, "__n__", None)

    @property
    def failed(self) -> bool:
        """Whether anything is wrong anywhere."""
        return bool(
            self.wrong or self.form.errors or any(row.form.errors for rows in self.rows.values() for row in rows)
        )

    @property
    def complaints(self) -> list[Complaint]:
        """Every fault of a field, in the order of the form."""
        found = self._complaints(self.schema, self.form, "")
        for relation, rows in self.rows.items():
            title = gettext(self.schema.field(relation).label)
            for number, row in enumerate(rows, start=1):
                found += self._complaints(self.row_schema(relation), row.form, f"{title}, {number}: ")
        return found

    @staticmethod
    def _complaints(schema: Schema, form: EntityForm, where: str) -> list[Complaint]:
        return [
            Complaint(item.id, where + gettext(schema.field(item.short_name).label), gettext(str(message)))
            for item in form
            for message in item.errors
        ]

    def note(self, refused: Refused) -> None:
        """Put the faults beside their fields; those of no field stand above the form."""
        forms = {id(row.record): row.form for rows in self.rows.values() for row in rows if row.record is not None}
        for item in refused.wrong:
            form = forms.get(id(item.record), self.form)
            if item.field in form._fields:
                form[item.field].errors = [*form[item.field].errors, gettext(item.message)]
            else:
                self.wrong.append(Wrong("", gettext(item.message)))


def _values(schema: Schema, record: Record | None, names: Iterable[str]) -> dict[str, Any]:
    """What a form starts with: the record's values by field name, references as numbers."""
    values: dict[str, Any] = {}
    for name in names:
        declared = schema.field(name)
        if declared.kind is Kind.REFERENCES:
            values[name] = [other.id for other in getattr(record, name)] if record is not None else []
        elif record is not None:
            values[name] = getattr(record, declared.key)
        elif declared.column is not None and declared.column.default is not None and not declared.auto:
            default: Any = declared.column.default
            values[name] = default.arg(None) if default.is_callable else default.arg
    return values


def _child(
    session: Session, schema: Schema, relation: str, formdata: Any, index: str, record: Record | None
) -> ChildRow:
    target = schema.field(relation).target
    assert target is not None
    child = schema_of(target)
    back = schema.back_name(relation)
    names = child.row_names(back)
    form = form_class(child, back)(
        formdata,
        prefix=f"{relation}-{index}-",
        data=_values(child, record, names) if formdata is None else None,
    )
    if formdata is not None or record is None:
        return ChildRow(form, index=index, record=record)
    return ChildRow(form, record.id, index=index, version=record.version, record=record)


def open_draft(
    session: Session, schema: Schema, record: Record | None = None, prefill: Mapping[str, str] | None = None
) -> Draft:
    """A form to be filled in: the record's values, or defaults and what the address proposes."""
    values = _values(schema, record, schema.form_names)
    if record is None:
        viewer = viewer_of(session)
        for declared in schema.fields(schema.form_names):
            if declared.mine:
                values[declared.name] = getattr(viewer, declared.mine)
        for name, raw in (prefill or {}).items():
            if name in schema.form_names and schema.field(name).kind is Kind.REFERENCE:
                with suppress(ValueError):
                    values[name] = record_number(raw)
            elif name in schema.form_names and schema.field(name).kind in (Kind.TEXT, Kind.LONG):
                values[name] = raw
    draft = Draft(session, schema, record, form_class(schema)(data=values), version=getattr(record, "version", 0))
    for relation in inline(schema):
        children = getattr(record, relation) if record is not None else ()
        draft.rows[relation] = [
            _child(session, schema, relation, None, str(index), child) for index, child in enumerate(children)
        ]
    return draft


def inline(schema: Schema) -> list[str]:
    """Child rows that stand in the form: those of entities that whoever is asking may read."""
    targets = {name: schema.field(name).target for name in schema.admin.inline}
    return [name for name, target in targets.items() if target is not None and may(May.SHOW, target)]


def _number(formdata: Any, name: str) -> int:
    text = formdata.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def posted_draft(session: Session, schema: Schema, formdata: Any, record: Record | None = None) -> Draft:
    """The same form as it came back. ``validated`` tells whether every field could be read."""
    draft = Draft(session, schema, record, form_class(schema)(formdata), version=_number(formdata, "version"))
    for relation in inline(schema):
        draft.rows[relation] = []
        known = {child.id: child for child in getattr(record, relation)} if record is not None else {}
        indexes = [
            key[len(relation) + 1 : -3] for key in formdata if key.startswith(f"{relation}-") and key.endswith("-id")
        ]
        for index in filter(str.isdecimal, indexes[:MANY_ROWS]):
            id_ = _number(formdata, f"{relation}-{index}-id") or None
            row = _child(session, schema, relation, formdata, index, known.get(id_))
            row.id, row.version = id_, _number(formdata, f"{relation}-{index}-version")
            row.deleted = formdata.get(f"{relation}-{index}-deleted") == "1"
            if row.id is not None or not (row.deleted or _untouched(row, formdata)):
                draft.rows[relation].append(row)
    _keep_hidden(draft)
    return draft


def _keep_hidden(draft: Draft) -> None:
    """A reference to a record out of the editor's reach looks empty to him: what he did not see he does not erase."""
    pairs = [(draft.form, draft.record), *((row.form, row.record) for rows in draft.rows.values() for row in rows)]
    kept: list[tuple[ReferenceField, int]] = []
    for form, record in pairs:
        for item in form if record is not None else ():
            if type(item) is ReferenceField and not item.raw_value and (id_ := getattr(record, item.declared.key)):
                kept.append((item, id_))
    seen: dict[type, set[int]] = {}
    for target in {item.declared.target for item, _id in kept}:
        ids = sorted({id_ for item, id_ in kept if item.declared.target is target})
        seen[target] = {one.id for one in reader(draft.session, target).labels(ids)}  # type: ignore[arg-type,index]
    for item, id_ in kept:
        if id_ not in seen[item.declared.target]:  # type: ignore[index]
            item.data = id_


def _untouched(row: ChildRow, formdata: Any) -> bool:
    """A new row into which nothing was typed; choices with a default do not count."""
    return not any(formdata.get(field.name) for field in row.form if not isinstance(field, (ChoiceField, BooleanField)))


def validated(draft: Draft) -> bool:
    """Whether every field of the form and of its rows holds a readable value."""
    right = _valid(draft.schema, draft.form, draft.record)
    for relation, rows in draft.rows.items():
        for row in rows:
            right = (row.deleted or _valid(draft.row_schema(relation), row.form, row.record)) and right
    return right


def _valid(schema: Schema, form: EntityForm, record: Record | None) -> bool:
    """Numbers are checked here already, so that all the mistakes of a form are told at once."""
    right = bool(form.validate())
    for declared in schema.checked:
        item = form._fields.get(declared.name)
        if item is None or item.errors or not item.data or declared.check is None:
            continue
        if record is not None and _unchanged(item, declared, record):
            continue
        try:
            declared.check.read(item.data)
        except ValueError as error:
            item.errors, right = [gettext(str(error))], False
    return right


def label_choices(draft: Draft) -> None:
    """Names for the chosen references, within reach: one statement an entity, however many rows the form has."""
    label_references(draft.session, _all_fields(draft))


def advise(draft: Draft, *, fill: bool = False) -> None:
    """Ask the declarations what is offered and what to choose, as the form stands. ``fill``: put in what is usual."""
    for declared in draft.schema.advised:
        item = draft.form[declared.name]
        if declared.among:
            _offer(draft, declared, item)
        if declared.suggest:
            module, _, function = declared.suggest.partition(":")
            values = {name: one.data for name, one in draft.form._fields.items()}
            if found := getattr(import_module(module), function)(draft.session, values):
                draft.hints[declared.name] = found
                if fill and found.fills and item.data is None:
                    item.process(MultiDict([(item.name, found.value)]))
                    item.raw_data = None


def _offer(draft: Draft, declared: Field, item: Any) -> None:
    """Leave in a field only what its path ends in, and what the record holds already."""
    first, _, rest = declared.among.partition(".")
    record, asked = draft.record, draft.form._fields.get(first)
    target = draft.schema.field(first).target
    if isinstance(asked, ReferenceField) and target is not None:
        start = draft.session.get(target, asked.data) if asked.data else None
    else:
        start = getattr(record, first) if record is not None else None
    those = offered(draft.session, [start], rest) if start is not None else []
    if not those:
        return
    kept = getattr(record, declared.name) if record is not None else None
    if isinstance(item, ReferenceField):
        item.offered = reader(draft.session, declared.target).labels([one.id for one in those])  # type: ignore[arg-type]
        return
    if record is None and item.data not in those and item.raw_data is None:
        item.data = those[0]
    left = {one.name for one in (*those, kept, item.data) if one is not None}
    item.options = [option for option in item.options if not option[0] or option[0] in left]


def label_references(session: Session, fields: Iterable[Any]) -> None:
    """The same for any fields."""
    fields = [field for field in fields if isinstance(field, ReferenceField)]
    wanted: dict[type, set[int]] = {}
    for item in fields:
        if item.declared.target is not None:
            wanted.setdefault(item.declared.target, set()).update(item.ids)
    found = {
        target: {one.id: one for one in reader(session, target).labels(sorted(ids))}
        for target, ids in wanted.items()
        if ids
    }
    for item in fields:
        known = found.get(item.declared.target, {})
        item.chosen = [known[id_] for id_ in item.ids if id_ in known]


def _all_fields(draft: Draft) -> Iterable[Any]:
    yield from draft.form
    for rows in draft.rows.values():
        for row in rows:
            yield from row.form


def apply(draft: Draft, record: Record) -> list[Record]:
    """Put the typed values into the record and its children; the list holds what is to be saved.

    A row is a record of its own entity: adding, changing and removing it asks for the permissions of that entity.
    """
    session, written = draft.session, [record]
    with session.no_autoflush:
        _fill(session, draft.schema, record, draft.form)
        for relation, rows in draft.rows.items():
            back, child_schema = draft.schema.back_name(relation), draft.row_schema(relation)
            for row in rows:
                if row.deleted:
                    if row.record is not None:
                        _demand(May.DELETE, child_schema)
                        getattr(record, relation).remove(row.record)
                        session.delete(row.record)
                    continue
                if row.record is None:
                    _demand(May.ADD, child_schema)
                    row.record = child_schema.entity()
                    if "position" in child_schema.table.c:
                        row.record.position = len(getattr(record, relation))
                    setattr(row.record, back, record)
                _fill(session, child_schema, row.record, row.form)
                if row.record in session.dirty and session.is_modified(row.record):
                    _demand(May.EDIT, child_schema)
                written.append(row.record)
    return written


def _demand(flag: May, schema: Schema) -> None:
    if not may(flag, schema.entity):
        raise Forbidden


def compare(draft: Draft) -> None:
    """Set what another has saved beside what is typed, wherever they differ; the next save then knows of it."""
    record = draft.record
    assert record is not None
    draft.theirs = _differences(draft.session, draft.schema, record, draft.form)
    draft.version, draft.saved = record.version, _saved(draft.session, record)
    for relation, rows in draft.rows.items():
        child_schema, typed = draft.row_schema(relation), {row.id for row in rows}
        for row in rows:
            if row.stale and row.record is not None:
                row.theirs = _differences(draft.session, child_schema, row.record, row.form)
                row.version, row.saved = row.record.version, _saved(draft.session, row.record)
            elif row.stale:  # deleted meanwhile: what is typed would be a new row
                row.id, row.gone = None, True
        for child in getattr(record, relation):
            if child.id not in typed:
                added = _child(draft.session, draft.schema, relation, None, f"{10**6 + child.id}", child)
                added.saved = _saved(draft.session, child)
                rows.append(added)


def _saved(session: Session, record: Record) -> str:
    """By whom and when the record was saved last: «Лугова Вера, 25.11.2026 14:32»."""
    change = last_change(session, record)
    return f"{change.user}, {shown(change.at)}" if change is not None else ""


def _differences(session: Session, schema: Schema, record: Record, form: EntityForm) -> dict[str, Theirs]:
    names = [item.short_name for item in form if not _unchanged(item, schema.field(item.short_name), record)]
    line = reader(session, schema.entity).one(record.id, names) if names else None
    if line is None:
        return {}
    stored = type(form)(data=_values(schema, record, names))
    return {name: Theirs(shown(line[name]), _as_input(stored[name], line[name])) for name in names}


def _as_input(item: Any, value: Any) -> list[tuple[str, str]]:
    if isinstance(item, ReferenceField):
        return [(str(one.id), one.label) for one in (value if isinstance(value, list) else [value]) if one]
    if isinstance(item, ChoiceField):
        return [(item.data.name, "")] if item.data else []
    if isinstance(item, BooleanField):
        return [("1", "")] if item.data else []
    return [(item._value(), "")]


def _unchanged(item: Any, declared: Field, record: Record) -> bool:
    """Whether the field says what the record holds, as far as an input can show it."""
    if declared.kind is Kind.REFERENCES:
        return set(item.ids) == {other.id for other in getattr(record, declared.name)}
    held = getattr(record, declared.key)
    if isinstance(item, MomentField) and held is not None:
        return item.data is not None and item.data in (held, held.replace(second=0, microsecond=0))
    return bool(item.data == (clean(held) if isinstance(held, str) else held))


def _fill(session: Session, schema: Schema, record: Record, form: EntityForm) -> None:
    for item in form:
        declared = schema.field(item.short_name)
        if _unchanged(item, declared, record):
            continue
        record.chosen |= {declared.name}
        if declared.kind is Kind.REFERENCE:
            setattr(record, declared.name, _get(session, declared, item.data, record))
        elif declared.kind is Kind.REFERENCES:
            setattr(record, declared.name, [_get(session, declared, id_, record) for id_ in item.ids])
        elif declared.auto and item.data is None:
            if getattr(record, declared.key) is None:
                setattr(record, declared.key, "")
        else:
            setattr(record, declared.key, item.data)


def _get(session: Session, declared: Field, id_: int | None, record: Record) -> Any:
    if id_ is None:
        return None
    assert declared.target is not None
    found = session.get(declared.target, id_)
    if found is None:
        raise Refused(Wrong(declared.name, GONE, record))
    return found
