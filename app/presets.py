"""The dictionaries the product ships with: regions, categories, risk factors, procedures, closing grounds.

They are YAML files in the ``data`` folders of their domains. Loading adds what is missing and touches nothing
that is already there, so that a word the administrator has changed stays as he wrote it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.families.models import Category
from app.kernel import clock
from app.kernel.orm import Record, acting_as, fold
from app.procedures import exchange
from app.procedures.kinds import Outcome
from app.procedures.models import ClosingGround, Procedure, ProcedureVersion, VersionStatus
from app.risks.models import FactorSet, RiskFactor, RiskLevel
from app.territory.models import Municipality, Region

_HERE = Path(__file__).resolve().parent


@cache
def preset(domain: str, name: str) -> Any:
    """A shipped file as plain values. The values are shared: they are for reading."""
    return yaml.safe_load((_HERE / domain / "data" / f"{name}.yaml").read_text(encoding="utf-8"))


# In the order in which they are offered; each is a file of its own, in the format of procedures/exchange.py.
PROCEDURES = ("iskorka", "kz-phc", "perm", "angarsk-tzhs", "angarsk-sop", "novgorod")

# Where a municipality stands of which nobody has said the region yet.
UNKNOWN_REGION = "Не указан"


def region_of(municipality: str) -> str | None:
    """The region to which the shipped dictionary puts a municipality."""
    for region, names in preset("territory", "regions").items():
        if fold(municipality) in map(fold, names):
            return str(region)
    return None


def load_presets(session: Session) -> int:
    """Add the shipped entries that are missing; returns their number. Committing is the caller's.

    An entry is known by its code, number or name within its dictionary. One that was renamed counts as
    missing and comes back under its shipped name.
    """
    with acting_as(session), session.no_autoflush:
        missing = [*_regions(session), *_categories(session), *_factor_sets(session), *_closing_grounds(session)]
        session.add_all(missing)
        session.flush()  # procedures name closing grounds
        procedures = _procedures(session)
        session.add_all(procedures)
        session.flush()
    return len(missing) + len(procedures)


def _known(session: Session, column: Any) -> dict[str, Any]:
    return {fold(getattr(record, column.key)): record for record in session.scalars(select(column.class_))}


def _regions(session: Session) -> list[Record]:
    missing: list[Record] = []
    regions = _known(session, Region.name)
    for title, names in preset("territory", "regions").items():
        region = regions.get(fold(title))
        if region is None:
            missing.append(region := Region(name=title, municipalities=[]))
        here = {fold(municipality.name) for municipality in region.municipalities}
        missing.extend(Municipality(region=region, name=name) for name in names if fold(name) not in here)
    return missing


def _categories(session: Session) -> list[Record]:
    known = _known(session, Category.name)
    return [Category(name=name) for name in preset("families", "categories") if fold(name) not in known]


def _factor_sets(session: Session) -> list[Record]:
    missing: list[Record] = []
    sets = _known(session, FactorSet.name)
    for each in preset("risks", "factor_sets"):
        factor_set = sets.get(fold(each["name"]))
        if factor_set is None:
            missing.append(factor_set := FactorSet(name=each["name"], factors=[]))
        if factor_set.criteria is None:
            factor_set.criteria = each.get("criteria")
        here = {factor.number for factor in factor_set.factors}
        rows = [(group["name"], factor) for group in each["groups"] for factor in group["factors"]]
        missing.extend(
            RiskFactor(
                factor_set=factor_set,
                position=position,
                number=factor["number"],
                group=group,
                name=factor["name"],
                level=RiskLevel[factor["level"]],
            )
            for position, (group, factor) in enumerate(rows, start=1)
            if factor["number"] not in here
        )
    return missing


def _procedures(session: Session) -> list[Record]:
    """The versions that are missing, published, with their procedures: of those without any version.

    They are published in the flush that writes them: afterwards no row may be added to a published version.
    """
    codes, names = _known(session, Procedure.code), _known(session, Procedure.name)
    having = set(session.scalars(select(ProcedureVersion.procedure_id)))
    missing: list[Record] = []
    for told in (preset("procedures", code) for code in PROCEDURES):
        known = codes.get(fold(told["code"])) or names.get(fold(told["name"]))
        if known is not None and known.id in having:
            continue
        version = exchange.load(session, told if known is None else told | {"code": known.code})
        version.prepare(session)
        version.status, version.published_on = VersionStatus.PUBLISHED, clock.today()
        missing.append(version)
    return missing


def _closing_grounds(session: Session) -> list[Record]:
    known = _known(session, ClosingGround.name)
    return [
        ClosingGround(name=each["name"], outcome=Outcome[each["outcome"]])
        for each in preset("procedures", "closing_grounds")
        if fold(each["name"]) not in known
    ]
