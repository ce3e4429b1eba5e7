"""A wrong declaration is a numbered fault that names the entity and the attribute: one small wrong class for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

import models
from app import factory, roles
from app.kernel import numbers
from app.kernel.declare import (
    Admin,
    Alike,
    May,
    Page,
    Print,
    Tab,
    children,
    column,
    computed,
    counted,
    derived,
    parent,
    reached,
    summed,
)
from app.kernel.schema import check, schema_of
from app.kernel.scope import everyone

ROLES = [role.name for role in roles.SHIPPED]
GOOD = Admin(
    one="Toy",
    title="Toys",
    name=("name",),
    list=("name", "box"),
    form={"Toy": ("name", "box", "weight")},
    may={roles.CURATOR: May.ALL},
    scope=everyone,
)
PAPER = Print("Plan", "print/plan", "app.plans.papers:plan_paper")


def toys(more: dict[str, Any] | None = None, box: dict[str, Any] | None = None, **wrong: Any) -> list[Any]:
    """Boxes of toys, declared rightly but for what is given: attributes of the toy, of the box, words of the toy."""

    class Base(DeclarativeBase):
        pass

    boxes = {
        "__tablename__": "box",
        "id": column("No.", Integer, primary_key=True),
        "name": column("Name", String(20), nullable=False),
        "toys": children("Toys", argument="Toy", order_by="Toy.id", back="box"),
        "__admin__": replace(GOOD, list=("name",), form={"Box": ("name",)}),
    }
    toy = {
        "__tablename__": "toy",
        "id": column("No.", Integer, primary_key=True),
        "name": column("Name", String(20), nullable=False),
        "pin": column("Pin", String(20), secret=True),
        "picture": column("Picture", LargeBinary),
        "weight": column("Weight", Integer, nullable=False),
        "box_id": mapped_column(ForeignKey("box.id")),
        "box": parent("Box", argument="Box", back_populates="toys"),
        "__admin__": replace(GOOD, **wrong),
    }
    return [type("Box", (Base,), boxes | (box or {})), type("Toy", (Base,), toy | (more or {}))]


def twice() -> list[Any]:
    """Two classes that claim one table. (SQLAlchemy itself would merge them in silence.)"""
    (_box, ball), right = toys(), toys()
    ball.__name__ = "Ball"
    return [*right, ball]


HALF = {"half": derived("Half", abs, ("weight",))}
JOINED = {"box": parent("Box", argument="Box", back_populates="toys", lazy="joined")}
SUGGESTED = {"box": parent("Box", argument="Box", back_populates="toys", suggest="app.toys.rules:box")}
AMONG = {"box": parent("Box", argument="Box", back_populates="toys", among="box.toys")}
PAGE = Page("story/plan.html", "app.story.pages:plan")
WRONG: list[tuple[str, str, Callable[[], list[Any]]]] = [
    ("D01", "Bare.__admin__", lambda: [type("Bare", (), {})]),
    ("D02", "Ball.__tablename__", twice),
    ("D03", "Toy.mark", lambda: toys({"mark": mapped_column(String(9))}, list=("mark",))),
    ("D04", "Toy.list", lambda: toys(list=("pin",))),
    ("D10", "Toy.list", lambda: toys(list=("nmae",))),
    ("D10", "Toy.list", lambda: toys(list=("picture",))),
    ("D11", "Toy.form", lambda: toys(form={"Toy": ("name", "box", "weight", "wieght")})),
    ("D11", "Toy.form", lambda: toys(form={"Toy": ("name", "weight"), "More": ("box", "name")})),
    ("D12", "Toy.show", lambda: toys(show=("colour",))),
    ("D13", "Toy.search", lambda: toys(search=("weight",))),
    ("D14", "Toy.filters", lambda: toys(HALF, filters=("half",))),
    ("D15", "Toy.order", lambda: toys(order=("age", "asc"))),
    ("D16", "Toy.inline", lambda: toys(inline=("box",))),
    ("D17", "Toy.tabs.heavy", lambda: toys(tabs=(Tab("heavy", "Heavy", {"weight.from": "5"}),))),
    ("D17", "Toy.tabs.heavy", lambda: toys(tabs=(Tab("heavy", "Heavy", {"weight": "much"}),), filters=("weight",))),
    ("D18", "Toy.name", lambda: toys(name=("box",))),
    ("D19", "Toy.page", lambda: toys({"page": column("Page", Integer)})),
    ("D20", "Toy.may", lambda: toys(may={"Гость": May.READ})),
    ("D21", "Toy.derived", lambda: toys({"half": derived("Half", abs, ("wieght",))})),
    ("D22", "Box.toy_count", lambda: toys(box={"toy_count": counted("Toys", "balls")})),
    ("D22", "Box.weight", lambda: toys(box={"weight": summed("Weight", "toys", "name")})),
    ("D30", "Toy.found", lambda: toys(search=("name",), found=("wieght",))),
    ("D30", "Toy.found", lambda: toys(search=("box",), found=())),
    ("D31", "Toy.alike", lambda: toys(alike=Alike(name="nmae"))),
    ("D31", "Toy.alike", lambda: toys(alike=Alike(name="name", born="weight"))),
    ("D31", "Toy.alike", lambda: toys(alike=Alike(name="name", place="name"))),
    ("D31", "Toy.alike", lambda: toys(alike=Alike(name="name", place="box", contact="phone"))),
    ("D23", "Toy.card", lambda: toys(prints={"card": replace(PAPER, build="app.plans.papers")})),
    ("D23", "Toy.card", lambda: toys(prints={"card": replace(PAPER, build="app.toys.papers:card")})),
    ("D23", "Toy.all", lambda: toys(lists={"all": replace(PAPER, template="print/toys")})),
    ("D24", "Toy.weight", lambda: toys(form={"Toy": ("name", "box")})),
    ("D24", "Toy.weight", lambda: toys({"weight": column("Weight", Integer, nullable=False, alone=True)})),
    ("D25", "Toy.box", lambda: toys(JOINED)),
    ("D26", "Toy.bulk", lambda: toys(bulk=("wieght",))),
    ("D26", "Toy.bulk", lambda: toys({"age": column("Age", Integer)}, bulk=("age",))),
    ("D27", "Toy.phone", lambda: toys({"phone": column("Phone", String(20), check="phone")})),
    ("D27", "Toy.phone", lambda: toys({"phone": column("Phone", Integer, check=numbers.phone)})),
    ("D28", "Toy.heavy", lambda: toys({"heavy": computed("Heavy", lambda c, viewer: c.wieght > 5)})),
    ("D28", "Toy.shelf", lambda: toys({"shelf": reached("Shelf", "box.shelf")})),
    ("D28", "Toy.shelf", lambda: toys({"shelf": reached("Shelf", "name")})),
    ("D29", "Toy.page", lambda: toys(page=replace(PAGE, build="app.story.pages:toy"))),
    ("D29", "Toy.page", lambda: toys(page=replace(PAGE, template="story/toy.html"))),
    ("D29", "Toy.page", lambda: toys(page=replace(PAGE, tells=("Ball",)))),
    ("D33", "Toy.box", lambda: toys(SUGGESTED)),
    ("D34", "Toy.box", lambda: toys(AMONG)),
    ("D32", "Toy.merges", lambda: toys(form={}, merges=True)),
]


def test_a_right_declaration_has_no_fault() -> None:
    assert check(toys(), ROLES) == []
    assert check(models.ENTITIES, ROLES) == []


@pytest.mark.parametrize(("code", "where", "declared"), WRONG)
def test_a_wrong_declaration_is_named(code: str, where: str, declared: Callable[[], list[Any]]) -> None:
    faults = check(declared(), ROLES)
    assert {(fault.code, f"{fault.entity}.{fault.attribute}") for fault in faults} >= {(code, where)}
    assert {fault.code for fault in faults} == {code}, faults
    assert str(faults[0]).startswith(f"{code} {where}: ")


def test_every_fault_is_produced_here_and_told_in_the_documentation() -> None:
    root = Path(factory.__file__).parents[1]
    kept = set(re.findall(r"\bD\d\d\b", (root / "app/kernel/schema.py").read_text("utf-8")))
    assert kept == {code for code, _where, _declared in WRONG}
    told = set()
    for first, _, last in re.findall(r"\b(D\d\d)(–(D\d\d))?", (root / "docs/architecture.md").read_text("utf-8")):
        told |= {f"D{number:02}" for number in range(int(first[1:]), int((last or first)[1:]) + 1)}
    assert told == kept


def test_the_product_does_not_start_with_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "ENTITIES", (*models.ENTITIES, type("Bare", (), {})))
    with pytest.raises(factory.WrongDeclarations, match="D01 Bare"):
        factory.create_app()


@pytest.mark.parametrize(
    "paper",
    [
        paper
        for entity in models.ENTITIES
        for paper in (*entity.__admin__.prints.values(), *entity.__admin__.lists.values())
    ],
    ids=lambda paper: paper.build,
)
def test_every_print_names_a_function(paper: Print) -> None:
    module, _, function = paper.build.partition(":")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("entity", models.ENTITIES, ids=lambda entity: entity.__name__)
def test_what_a_reference_is_narrowed_by_exists(entity: Any) -> None:
    """``narrow=("case", "plan.case")``: the first path begins in the form, the second leads there from the options."""
    schema = schema_of(entity)
    for field in schema.fields(schema.form_names):
        if field.narrow is None:
            continue
        ends = []
        for start, path in zip((schema, schema_of(field.target)), field.narrow, strict=True):  # type: ignore[arg-type]
            for name in path.split("."):
                target = start.field(name).target
                assert target is not None, (entity, field.name, path)
                start = schema_of(target)
            ends.append(start)
        assert ends[0] is ends[1], f"{entity.__name__}.{field.name} compares two entities"
