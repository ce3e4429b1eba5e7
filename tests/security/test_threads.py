"""Row 6: requests that run at once do not take one another's filters, viewers or forms."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from app.families.models import Family, Member
from app.kernel import forms
from app.kernel.query import ListQuery
from app.kernel.scope import everyone
from tests.running import login, search, working
from tests.security.conftest import Keeper

THREADS, ROUNDS = 6, 4


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause between reading what is asked and answering it: whatever is shared meanwhile is overwritten by others."""

    def pausing(function: Callable[..., Any]) -> Callable[..., Any]:
        def paused(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            time.sleep(random.Random().uniform(0, 0.03))
            return result

        return paused

    parse = pausing(ListQuery.parse.__func__)  # type: ignore[attr-defined]
    monkeypatch.setattr(ListQuery, "parse", classmethod(parse))
    monkeypatch.setattr(forms, "posted_draft", pausing(forms.posted_draft))


@pytest.mark.usefixtures("slow")
def test_nobody_gets_anothers_rows_or_filters(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    with working(app) as session:
        for keeper in keepers:
            family = session.get_one(Family, keeper.family)
            family.members += [Member(name=f"{family.name} {word}") for word in ("Анна", "Олег")]
        session.commit()
    words = {keepers[0]: "Ёлкин", keepers[1]: "Соснов"}

    def read(number: int) -> list[str]:
        mine, theirs = (keepers, keepers[::-1])[number % 2]
        client, wrong = login(app.test_client(), mine.person), []
        for round_ in range(ROUNDS):
            name = ("Анна", "Олег")[(number // 2 + round_) % 2]
            for address in (
                search(client, "/member/", q=name),
                search(client, "/member/", q=name, family=mine.family),
                f"/api/v1/member/?q={name}",
            ):
                answer = client.get(address)
                found = str(answer.get_json()["items"]) if answer.is_json else answer.text
                if words[theirs] in found:
                    wrong.append(f"{address}: somebody else's row")
                if f"{words[mine]}ы {name}" not in found or f"{words[mine]}ы {'АннаОлег'.replace(name, '')}" in found:
                    wrong.append(f"{address}: somebody else's filter")
            if words[theirs] in client.get("/").text:
                wrong.append("the desk")
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert [line for lines in pool.map(read, range(THREADS)) for line in lines] == []


@pytest.mark.usefixtures("slow")
def test_nothing_is_added_to_anothers_family(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    def add(number: int) -> set[int]:
        mine = keepers[number % 2]
        client, statuses = login(app.test_client(), mine.person), set()
        for round_ in range(ROUNDS):
            client.get(f"/member/add?family={mine.family}")
            body = {"name": f"Записан {mine.family} {number} {round_}", "family": str(mine.family), "role": "CHILD"}
            statuses.add(client.post("/member/add", data=body).status_code)
        return statuses

    with ThreadPoolExecutor(THREADS) as pool:
        assert set.union(*pool.map(add, range(THREADS))) == {302}
    with working(app) as session:
        added = session.query(Member).filter(Member.name.like("Записан%")).all()
        assert len(added) == THREADS * ROUNDS
        assert all(member.name.split()[1] == str(member.family_id) for member in added)


def test_views_and_endpoints_keep_nothing_of_a_request(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    """They live as long as the process: what they hold is the same after any number of requests."""
    views = app.appbuilder.baseviews  # type: ignore[attr-defined]
    before = [dict(vars(view)) for view in views]
    mine = keepers[0]
    mine.client.get(search(mine.client, "/family/", q="ёлкин", sort="-name"))
    mine.client.get(f"/member/add?family={mine.family}")
    mine.client.post(f"/family/{mine.family}/edit", data={"version": "0"})
    assert [dict(vars(view)) for view in views] == before
    assert everyone(None, None) is None  # type: ignore[arg-type,func-returns-value]
