"""Row 5: what a list does not declare answers no filter and no order, whatever the address calls it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import inspect

from app.kernel.query import SORTABLE
from app.kernel.schema import schema_of
from models import ENTITIES
from tests.running import search
from tests.security.conftest import Keeper

FRAME = (
    "_flt_0_name=x", "_flt_2_diagnosis=F15", "_oc_Family=created_by.password", "_od_Family=asc", "_l_page=1",
    "filters=(name:x)", "q=(filters:!((col:name,opr:eq,value:x)))&order_column=name", "order_by=id", "limit=5",
)  # fmt: skip


def undeclared(entity: type) -> Iterator[str]:
    schema = schema_of(entity)
    attributes = {*inspect(entity).attrs.keys(), *entity.__table__.columns.keys(), "password", "user_id", "__class__"}
    for name in sorted(attributes):
        if name not in schema.admin.filters:
            yield from (f"{name}=1", f"{name}.ne=1", f"{name}.from=1", f"{name}.empty=1")
        if name not in schema.read_names or schema.field(name).kind not in SORTABLE:
            yield from (f"sort={name}", f"sort=-{name}")
    for name in schema.admin.filters:
        yield from (f"{name}.like=1", f"{name}.password=1", f"{name}.created_by.password=1", f"{name}__ne=1")
    yield from ("sort=created_by.password", "sort=id;", "tab=nothing", "page=0", "page=-1", "size=0", "page=1&page=2")
    if not schema.admin.search:
        yield "q=x"


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
def test_an_undeclared_column_is_refused_at_every_door(
    entity: type, app: Flask, keepers: tuple[Keeper, Keeper]
) -> None:
    """Refused, and not merely passed over: a filter that is dropped in silence shows everything."""
    client, schema = keepers[0].client, schema_of(entity)
    # The whole history and the list of all signed papers are not the supervisor's to list.
    refused = 403 if schema.resource in ("Change", "Letter", "Scan") else 400
    for query in (*undeclared(entity), *FRAME):
        assert client.get(f"/{schema.slug}/?{query}").status_code == refused, query
    doors = [f"/{schema.slug}/export.csv", f"/api/v1/{schema.slug}/"]
    doors += [f"/{schema.slug}/print/{key}.docx" for key in schema.admin.lists]
    for door in doors:
        assert client.get(f"{door}?folded=1").status_code in (400, 403), door
        assert client.get(f"{door}?sort=folded").status_code in (400, 403), door


def test_a_hidden_word_is_not_guessed_letter_by_letter(keepers: tuple[Keeper, Keeper]) -> None:
    """The search asks the declared columns alone: a diagnosis is not found by its words."""
    mine = keepers[0]
    client = mine.client
    assert "Ёлкин Иван" in client.get(search(client, "/member/", q="елкин")).text
    for address in (search(client, "/member/", q="тайна"), search(client, "/family/", q="тайна"),
                    "/api/v1/member/?q=тайна"):  # fmt: skip
        found = client.get(address).get_data(as_text=True)
        assert "Ёлкин" not in found, address
    assert client.post("/member/choices", data={"q": "тайна"}).get_json() == {"items": []}


def test_unknown_fields_of_a_body_are_refused(keepers: tuple[Keeper, Keeper]) -> None:
    mine = keepers[0]
    for name in ("id", "created_by_id", "changed_at", "folded", "organisation_id", "members", "__class__"):
        answer = mine.client.put(f"/api/v1/family/{mine.family}", json={"version": 1, name: 1})
        assert answer.status_code == 422 and list(answer.json["fields"]) == [name]
