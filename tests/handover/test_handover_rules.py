"""How heavy a case is, and whom to appoint: tables of examples."""

from __future__ import annotations

import pytest

from app.handover.rules import Candidate, Place, distribute, load, suggest, weight

HERE, THERE = Place(1, 10), Place(2, 20)


@pytest.mark.parametrize(("level", "weighs"), [("HIGH", 5), ("MEDIUM", 2), ("LOW", 1), (None, 2)])
def test_a_case_weighs_by_its_risk(level: str | None, weighs: int) -> None:
    assert weight(level) == weighs


@pytest.mark.parametrize(
    ("cases", "weighs"),
    [
        ({}, 0),
        ({"HIGH": 0, "MEDIUM": 0, "LOW": 0, None: 0}, 0),
        ({"HIGH": 2}, 10),
        ({"HIGH": 1, "MEDIUM": 2, "LOW": 3, None: 1}, 14),
        ({"LOW": 5}, load({"HIGH": 1})),
    ],
)
def test_a_load_is_the_sum(cases: dict[str | None, int], weighs: int) -> None:
    assert load(cases) == weighs


def who(name: str, load: int, place: Place = HERE, *, away: bool = False) -> Candidate:
    return Candidate(sum(map(ord, name)), name, place, load, away)


@pytest.mark.parametrize(
    ("candidates", "name", "nearness"),
    [
        ([], None, None),
        ([who("А", 5)], "А", "PRECINCT"),
        ([who("А", 5), who("Б", 4)], "Б", "PRECINCT"),
        ([who("А", 5), who("Б", 4, away=True)], "А", "PRECINCT"),
        ([who("А", 5, away=True)], None, None),
        # The same load: by name, so that the same question has the same answer.
        ([who("Б", 5), who("А", 5)], "А", "PRECINCT"),
        # Near goes before idle.
        ([who("А", 50), who("Б", 0, Place(1, 11))], "А", "PRECINCT"),
        ([who("А", 50, Place(1, None)), who("Б", 0, THERE)], "А", "MUNICIPALITY"),
        ([who("А", 9, Place(1, 11)), who("Б", 8, Place(1, None))], "Б", "MUNICIPALITY"),
        ([who("А", 9, THERE), who("Б", 8, Place())], "Б", "ORGANISATION"),
        # Whoever is near, but away, does not keep those farther off from being asked.
        ([who("А", 0, away=True), who("Б", 3, THERE)], "Б", "ORGANISATION"),
    ],
)
def test_the_least_loaded_of_the_nearest(candidates: list[Candidate], name: str | None, nearness: str | None) -> None:
    found = suggest(HERE, candidates)
    assert (found.candidate.name if found else None, found.nearness if found else None) == (name, nearness)


def test_a_family_whose_place_is_not_known_is_of_the_whole_organisation() -> None:
    found = suggest(Place(), [who("А", 2, Place()), who("Б", 1)])
    assert found and (found.candidate.name, found.nearness) == ("Б", "ORGANISATION")


def test_many_cases_do_not_all_go_to_the_same_one() -> None:
    cases = [(1, HERE, "LOW"), (2, HERE, "HIGH"), (3, HERE, "MEDIUM"), (4, HERE, "LOW")]
    found = distribute(cases, [who("А", 0), who("Б", 3)])
    # The heaviest first: 2 (5) → А 5; 3 (2) → Б 5; 1 (1) → А 6; 4 (1) → Б 6.
    assert {id_: one.candidate.name for id_, one in found.items()} == {2: "А", 3: "Б", 1: "А", 4: "Б"}
    assert distribute(cases, []) == {}
