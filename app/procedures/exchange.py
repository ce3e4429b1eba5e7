"""A procedure as a YAML file that people read, send to one another, and keep with their orders.

The keys are the names of the declared fields, so a new field is in the file as soon as it is declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app.kernel.declare import N_
from app.kernel.orm import Record, fold
from app.kernel.schema import Field, Kind, schema_of
from app.procedures.models import Procedure, ProcedureVersion, Requirement, Stage

NOT_YAML = N_("The file is not YAML: %(reason)s")
NOT_MAP = N_("%(place)s: names with values are expected here.")
NOT_LIST = N_("%(place)s: a list is expected here.")
UNKNOWN = N_("%(place)s: there is no such name. There are: %(known)s.")
NO_SUCH = N_("%(place)s: “%(value)s” is not one of: %(known)s.")
WRONG_TYPE = N_("%(place)s: “%(value)s” is not a value of this kind.")
TOO_LONG = N_("%(place)s: “%(value)s” is too long, or too large a number.")
TWICE = N_("%(place)s: there are several stages with the number %(value)s.")
MISSING = N_("%(place)s: a value is missing.")

# A bound against files that are no procedures: the longest shipped one has a tenth of it.
LONGEST = 1_000_000
LARGEST = 10_000  # of a number: far more than any term or stage has
CHILDREN = ("stages", "plan_rules", "commission_steps", "requirements")
_ELSEWHERE = frozenset({"edition", "procedure", "position"})  # told by where a row stands


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file: a message to translate, and what it speaks of."""

    message: str
    values: Mapping[str, str]


class Unreadable(Exception):
    """The file is refused whole, with everything that is wrong with it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.message % dict(fault.values) for fault in faults))
        self.faults = faults


# --- Out --------------------------------------------------------------------------------------------------


def dump(version: ProcedureVersion) -> str:
    """The version with its procedure as YAML."""
    told = _told(version.procedure) | {"version": _told(version)}
    for name in CHILDREN:
        told["version"][name] = [_told(row) for row in getattr(version, name)]
    return yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=110)


def _fields(entity: type[Record]) -> list[Field]:
    schema = schema_of(entity)
    return [field for field in schema.fields(schema.form_names) if field.name not in _ELSEWHERE]


def _told(record: Record) -> dict[str, Any]:
    """The filled-in fields of the form, in its order; what stands at its default is left out."""
    told = {}
    for field in _fields(type(record)):
        value = getattr(record, field.name)
        if value is None or value == [] or value == _default(field):
            continue
        match field.kind:
            case Kind.CHOICE:
                value = value.name
            case Kind.REFERENCE:
                value = value.number if isinstance(value, Stage) else value.name
            case Kind.REFERENCES:
                value = [ground.name for ground in value]
        told[field.name] = value
    return told


def _default(field: Field) -> Any:
    """What a column holds when nobody says anything."""
    default = field.column.default if field.column is not None else None
    return default.arg if default is not None and default.is_scalar else None


# --- In ---------------------------------------------------------------------------------------------------


def parse(text: str) -> Any:
    """The file as plain values. :class:`Unreadable` when it is no YAML."""
    if len(text) > LONGEST:
        raise Unreadable(Fault(NOT_YAML, {"reason": "> 1 MB"}))
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # a ValueError: the 31st of February
        raise Unreadable(Fault(NOT_YAML, {"reason": " ".join(str(error).split())[:300]})) from None


def load(session: Session, told: Any) -> ProcedureVersion:
    """A draft made of plain values, with its procedure when there is none of that code yet. Saving is the caller's.

    :raises Unreadable: with every fault of the file.
    """
    faults: list[Fault] = []
    told = _map(told, "—", faults)
    inner = _map(told.pop("version", None), "version", faults)
    rows = {name: _list(inner.pop(name, []), f"version.{name}", faults) for name in CHILDREN}
    values = _read(Procedure, told, "", faults)
    known = session.scalar(select(Procedure).where(Procedure.code == values.get("code")))
    version = ProcedureVersion(**_read(ProcedureVersion, inner, "version", faults, session=session))
    for name, lines in rows.items():
        entity: type[Record] = inspect(ProcedureVersion).relationships[name].mapper.class_
        for n, line in enumerate(lines):
            place = f"version.{name}[{n + 1}]"
            row = entity(**_read(entity, _map(line, place, faults), place, faults, stages=version.stages))
            if isinstance(row, Requirement):
                row.position = n + 1
            getattr(version, name).append(row)
    numbers = Counter(stage.number for stage in version.stages)
    faults.extend(
        Fault(TWICE, {"place": "version.stages", "value": str(number)})
        for number, count in numbers.items()
        if number is not None and count > 1
    )
    if faults:
        raise Unreadable(*faults)
    version.procedure = known or Procedure(**values)
    return version


def _map(value: Any, place: str, faults: list[Fault]) -> dict[Any, Any]:
    if not isinstance(value, dict):
        faults.append(Fault(NOT_MAP, {"place": place}))
        return {}
    return dict(value)


def _list(value: Any, place: str, faults: list[Fault]) -> list[Any]:
    if not isinstance(value, list):
        faults.append(Fault(NOT_LIST, {"place": place}))
        return []
    return value


def _read(entity: type[Record], told: dict[Any, Any], place: str, faults: list[Fault], **near: Any) -> dict[str, Any]:
    """The values of a record's form; what cannot be read is added to the faults and left out."""
    fields = {field.name: field for field in _fields(entity)}
    found: dict[str, Any] = {}
    for key, raw in told.items():
        where = f"{place}.{key}".lstrip(".")
        if key not in fields:
            faults.append(Fault(UNKNOWN, {"place": where, "known": ", ".join(fields)}))
        elif raw not in (None, ""):
            found |= dict(_value(fields[key], raw, where, faults, **near))
    for field in fields.values():
        if field.required and field.name not in found and field.kind not in (Kind.BOOL, Kind.CHOICE):
            faults.append(Fault(MISSING, {"place": f"{place}.{field.name}".lstrip(".")}))
    return found


def _value(field: Field, raw: Any, place: str, faults: list[Fault], **near: Any) -> Iterator[tuple[str, Any]]:
    kinds: dict[Kind, type] = {
        Kind.TEXT: str,
        Kind.LONG: str,
        Kind.BOOL: bool,
        Kind.INTEGER: int,
        Kind.REFERENCE: int if field.target is Stage else str,  # the number of a stage; a name
        Kind.REFERENCES: list,
        Kind.CHOICE: str,
    }
    wanted = kinds.get(field.kind, object)
    if not isinstance(raw, wanted) or (wanted is int and isinstance(raw, bool)):
        faults.append(Fault(WRONG_TYPE, {"place": place, "value": _short(raw)}))
        return
    longest = (
        getattr(field.column.type, "length", None) if field.kind is Kind.TEXT and field.column is not None else None
    )
    if (wanted is int and abs(raw) > LARGEST) or (longest and len(raw) > longest):
        faults.append(Fault(TOO_LONG, {"place": place, "value": _short(raw)}))
        return
    match field.kind:
        case Kind.CHOICE:
            choices = field.choices.__members__ if field.choices else {}
            if raw not in choices:
                faults.append(Fault(NO_SUCH, {"place": place, "value": _short(raw), "known": ", ".join(choices)}))
                return
            raw = choices[raw]
        case Kind.REFERENCE if field.target is not Stage:
            named = next(_named(near["session"], field.target, [raw], place, faults), None)
            if named is None:
                return
            raw = named
        case Kind.REFERENCE:
            stages = {stage.number: stage for stage in near["stages"]}
            if raw not in stages:
                known = ", ".join(map(str, stages))
                faults.append(Fault(NO_SUCH, {"place": place, "value": _short(raw), "known": known}))
                return
            raw = stages[raw]
        case Kind.REFERENCES:
            raw = list(dict.fromkeys(_named(near["session"], field.target, raw, place, faults)))
    yield field.name, raw


def _named(session: Session, target: Any, names: list[Any], place: str, faults: list[Fault]) -> Iterator[Any]:
    """Entries of a dictionary by their names."""
    known = {fold(one.name): one for one in session.scalars(select(target))}
    for name in names:
        found = known.get(fold(name)) if isinstance(name, str) else None
        if found is not None:
            yield found
        else:
            wanted = "; ".join(sorted(one.name for one in known.values()))
            faults.append(Fault(NO_SUCH, {"place": place, "value": _short(name), "known": wanted}))


def _short(raw: Any) -> str:
    """A value as a fault shows it. Of a list or a map only what it is: written out, nested ones may have no end."""
    return "{…}" if isinstance(raw, dict) else "[…]" if isinstance(raw, list | set | tuple) else str(raw)[:80]
