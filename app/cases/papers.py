"""The social card, the consent, and the sheet with which a family is let go, on paper.

Source: ISK, form «Социальная карта», and the consent that ISK names and gives no form of (domain.md, section 10).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

from app.families import papers as families
from app.kernel.printing import Paper, Signature, day

if TYPE_CHECKING:
    from app.cases.models import Case
    from app.families.models import Family, Member


class Relative(TypedDict):
    """Who he is to the child, and his name, birth, contacts and work in one line."""

    kinship: str
    text: str


class NumberedText(TypedDict):
    number: int
    text: str


class IncomeLine(TypedDict):
    source: str
    amount: Decimal


class SocialCardPaper(Paper):
    child: str
    born_on: dt.date | None
    registered_address: str
    address: str
    diagnosis: str
    parents: list[Relative]
    relatives: list[Relative]
    problems: list[NumberedText]
    clinic: str
    education: str
    extra_education: str
    incomes: list[IncomeLine]
    income: Decimal
    living_conditions: str
    notes: str
    signatures: list[Signature]


def social_card_paper(case: Case) -> SocialCardPaper:
    family, child = case.family, families.child(case.family)
    return {
        "title": "Социальная карта",
        "number": f"(дело № {case.number})",
        "organisation": families.issuer(family),
        "child": child.name if child else "",
        "born_on": child.born_on if child else None,
        "registered_address": family.registered_address or "",
        "address": family.address or "",
        "diagnosis": (child and child.diagnosis) or "",
        "parents": _parents(family),
        "relatives": [
            {"kinship": member.kinship or "", "text": _described(member)}
            for member in family.members
            if member is not child and member.role.name != "PARENT"
        ],
        "problems": [{"number": problem.number, "text": problem.text} for problem in case.problems],
        "clinic": family.clinic or "",
        "education": family.education or "",
        "extra_education": family.extra_education or "",
        "incomes": [{"source": income.source, "amount": income.amount} for income in family.incomes],
        "income": sum((income.amount for income in family.incomes), Decimal(0)),
        "living_conditions": family.living_conditions or "",
        "notes": family.notes or "",
        "signatures": [{"role": "Куратор", "name": case.curator.name if case.curator else "", "signed_on": None}],
    }


def _parents(family: Family) -> list[Relative]:
    """The form asks for «Мама» and «Папа», known or not; guardians follow in their own words."""
    lines: dict[str, Relative] = {kinship: {"kinship": kinship, "text": ""} for kinship in ("Мама", "Папа")}
    for member in families.parents(family):
        kinship = (member.kinship or "родитель").capitalize()
        text = lines[kinship]["text"] + "\n" if kinship in lines and lines[kinship]["text"] else ""
        lines[kinship] = {"kinship": kinship, "text": text + _described(member)}
    return list(lines.values())


def _described(member: Member) -> str:
    return ", ".join(filter(None, (member.name, day(member.born_on), member.phone, member.occupation)))


class Consent(TypedDict):
    """What one of the parents signs. What is not known is left to be written by hand."""

    parent: str
    sender: str
    signatures: list[Signature]


class ConsentPaper(Paper):
    addressee: str
    address: str
    family: str
    children: str
    consents: list[Consent]


def consent_paper(case: Case) -> ConsentPaper:
    """A consent for each of the parents, each on pages of its own."""
    family = case.family
    parents: list[Member | None] = [*families.parents(family)] or [None]
    return {
        "title": "Согласие на обработку персональных данных",
        "number": f"(дело № {case.number})",
        "organisation": families.issuer(family),
        "addressee": _addressee(case),
        "address": family.address or family.registered_address or "",
        "family": families.surname_of(family),
        "children": _whose([member for member in family.members if member.role.name == "CHILD"]),
        "consents": [_consent(parent) for parent in parents],
    }


def _addressee(case: Case) -> str:
    if case.curator is None:
        return ""
    name = families.in_case(case.curator, "dative")
    return f"Куратору случая {name}" if name else f"Куратор случая: {case.curator.name}"


def _consent(parent: Member | None) -> Consent:
    name = parent.name if parent else ""
    genitive = families.in_case(parent, "genitive") if parent else None
    return {
        "parent": name,
        "sender": f"от {genitive}" if genitive else f"Законный представитель: {name}",
        "signatures": [{"role": "Законный представитель", "name": name, "signed_on": None}],
    }


def _whose(children: list[Member]) -> str:
    """«ребёнка Образцова Ивана, 01.05.2015 г. р.»; in brackets and uninflected when one of the names is unsure."""
    genitives = [families.in_case(child, "genitive") for child in children]
    sure = all(genitives)
    names = [genitive if sure and genitive else child.name for child, genitive in zip(children, genitives, strict=True)]
    born = (f", {day(child.born_on)} г. р." if child.born_on else "" for child in children)
    listed = "; ".join(name + date for name, date in zip(names, born, strict=True))
    if len(children) < 2:
        return f"ребёнка {listed}" if sure else f"ребёнка ({listed})"
    return f"детей: {listed}" if sure else f"детей ({listed})"


class FarewellPaper(Paper):
    family: str
    opened_on: str
    closed_on: str
    achieved: str
    follow_up: str
    where: str
    who: str


def farewell_paper(case: Case) -> FarewellPaper:
    """What a family keeps when its case is closed: how to come back, and who will ask after it (KZ, «after»)."""
    organisation, curator = case.family.organisation, case.curator
    months = case.follow_up_months
    return {
        "title": "Если снова понадобится помощь",
        "number": f"(дело № {case.number})",
        "organisation": families.issuer(case.family),
        "family": families.surname_of(case.family),
        "opened_on": day(case.opened_on),
        "closed_on": day(case.closed_on),
        "achieved": case.outcome_note or "",
        "follow_up": f"{months} мес. после закрытия" if months else "",
        "where": ", ".join(filter(None, (organisation.name, organisation.address, organisation.phone))),
        "who": ", ".join(filter(None, (curator.name, curator.phone))) if curator else "",
    }
