"""A family with everything around it, and somebody of each role in whose reach it is."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from sqlalchemy import select

from app.kernel.files import FileKind
from app.kernel.history import Change
from app.kernel.scans import Scan
from app.kernel.users import create_user
from app.kernel.writing import save
from app.meetings.models import CommissionMember
from app.roles import COMMISSIONER, CURATOR, SPECIALIST
from app.territory.models import Municipality, Organisation, Region, Staff
from tests.access.table import ROLES
from tests.records import Maker
from tests.running import PASSWORD, working


@dataclass(frozen=True)
class World:
    """Logins by role, and the number of one record of each entity."""

    logins: dict[str, str]
    ids: dict[str, int]


def populate(app: Flask) -> World:
    logins = {}
    with working(app) as session:
        place, organisation = Municipality(name="Пермь", region=Region(name="Край")), Organisation(name="Искорка")
        organisation.municipality = place
        staff = {role: Staff(name=role, organisation=organisation, municipality=place) for role in ROLES}
        session.add_all([place, organisation, *staff.values()])
        for number, role in enumerate(ROLES):
            logins[role] = create_user(session, f"user{number}", PASSWORD, [role], staff[role]).username
        maker = Maker(session, Region=place.region, Municipality=place, Organisation=organisation, Staff=staff[CURATOR])
        made = maker.every()
        made["Case"].specialists.append(staff[SPECIALIST])  # type: ignore[attr-defined]
        seat = maker.new(CommissionMember, staff=staff[COMMISSIONER])
        scan = Scan(entity="case", record_id=made["Case"].id, name="скан.pdf", kind=FileKind.PDF, length=1)
        scan.digest, scan.attached_by = "0" * 64, "Куратор"
        save(session, scan)
        session.commit()
        ids = {name: record.id for name, record in made.items()} | {"CommissionMember": seat.id, "Scan": scan.id}
        ids["Change"] = session.scalars(select(Change.id).order_by(Change.id).limit(1)).one()
    return World(logins, ids)
