"""A procedure that gives an hour to agree urgent measures (KZ-T1)."""

from __future__ import annotations

from typing import Any

from app.procedures.kinds import Country, Fact, Unit
from app.procedures.models import Procedure, ProcedureVersion, Requirement, VersionStatus


def with_an_hour(session: Any, name: str, country: Country = Country.KZ) -> Procedure:
    procedure = Procedure(name=name, code=name, country=country)
    version = ProcedureVersion(procedure=procedure, number=1)
    version.requirements = [
        Requirement(name="Меры согласованы", event=Fact.SIGNAL_HIGH, proof=Fact.URGENT_AGREED, count=1, unit=Unit.HOUR)
    ]
    session.add(version)
    session.flush()
    version.status = VersionStatus.PUBLISHED
    return procedure
