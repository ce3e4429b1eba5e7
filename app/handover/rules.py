"""How much a curator has on his hands, and whom to appoint: plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from app.cases.rules import CONTACT_WITHIN, UNASSESSED

MONTH = 30
LEVELS = ("HIGH", "MEDIUM", "LOW")


def weight(level: str | None) -> int:
    """How much a case of this risk asks for: one for the case itself (plan, papers, monitoring), and one for each
    contact that its risk demands in a month. The rhythm is that of ``CONTACT_WITHIN`` (KZ-T3, ANG-T6, ISK-T1): high 5,
    medium 2, low 1. A family whose risk nobody has assessed counts as one at medium risk.
    """
    return 1 + round(MONTH / CONTACT_WITHIN.get(level or "", UNASSESSED))


def load(cases: Mapping[str | None, int]) -> int:
    """The weighted load of whoever leads so many cases of each level."""
    return sum(weight(level) * count for level, count in cases.items())


@dataclass(frozen=True)
class Place:
    """Where somebody works or lives; what is empty is not told."""

    municipality: int | None = None
    precinct: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A curator who may be appointed."""

    id: int
    name: str
    place: Place
    load: int = 0
    away: bool = False


@dataclass(frozen=True)
class Suggestion:
    """Who is suggested, with the load he has now, and how near he was looked for: the reason in plain values."""

    candidate: Candidate
    nearness: str  # PRECINCT, MUNICIPALITY or ORGANISATION: of all who work that near he has the least to do


def suggest(place: Place, candidates: Collection[Candidate]) -> Suggestion | None:
    """The least loaded of those who work nearest to the family and are not away; None when there is nobody.

    Nobody is looked for farther off while somebody works near: he knows the place, and it is his way.
    """
    here = [one for one in candidates if not one.away]
    near = {
        "PRECINCT": [one for one in here if place.precinct and one.place.precinct == place.precinct],
        "MUNICIPALITY": [one for one in here if place.municipality and one.place.municipality == place.municipality],
        "ORGANISATION": here,
    }
    for nearness, found in near.items():
        if found:
            return Suggestion(min(found, key=lambda one: (one.load, one.name, one.id)), nearness)
    return None


def distribute(
    cases: Sequence[tuple[int, Place, str | None]], candidates: Collection[Candidate]
) -> dict[int, Suggestion]:
    """A successor for each of these cases (number, place, risk), the heaviest first: what one gets counts at once."""
    found: dict[int, Suggestion] = {}
    by_id = {one.id: one for one in candidates}
    for id_, place, level in sorted(cases, key=lambda case: (-weight(case[2]), case[0])):
        suggestion = suggest(place, by_id.values())
        if suggestion is not None:
            found[id_] = suggestion
            chosen = suggestion.candidate
            by_id[chosen.id] = replace(chosen, load=chosen.load + weight(level))
    return found
