"""A family on paper: what several forms say of it. Source: ISK forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kernel.names import Case, declined, surnames

if TYPE_CHECKING:
    from app.families.models import Family, Member
    from app.territory.models import Organisation, Staff


def named(organisation: Organisation | None) -> str:
    """An organisation as it stands in papers; nothing when the reader does not see it."""
    return (organisation.full_name or organisation.name) if organisation else ""


def issuer(family: Family) -> str:
    """The organisation that issues the family's papers, as it stands in papers."""
    return named(family.organisation)


def child(family: Family) -> Member | None:
    """The child whose name stands in the forms: the first in the family's own order."""
    return next((member for member in family.members if member.role.name == "CHILD"), None)


def parents(family: Family) -> list[Member]:
    return [member for member in family.members if member.role.name == "PARENT"]


def in_case(person: Member | Staff, case: Case) -> str | None:
    """The person's name as documents need it: as somebody has written it down, else by the rules; None when unsure."""
    written: str | None = getattr(person, f"name_{case}")
    return written or declined(person.name, case)


def surname_of(family: Family) -> str:
    """«(семья, семьи) Образцовых»; a surname that the rules do not know stays as it is."""
    return surnames(family.name) or family.name
