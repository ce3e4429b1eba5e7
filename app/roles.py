"""The roles the product ships with, and how far each sees. After the first start they are the administrator's."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.declare import ADMINISTRATOR, N_, May, Reach

SUPERVISOR = "Руководитель"
CURATOR = "Куратор"
SPECIALIST = "Специалист"
SECRETARY = "Секретарь комиссии"
COMMISSIONER = "Член комиссии"
ANALYST = "Аналитик"


@dataclass(frozen=True)
class ShippedRole:
    """A role as shipped: its name in the database, its translatable name, and its reach."""

    name: str
    title: str
    reach: Reach


SHIPPED = (
    ShippedRole(ADMINISTRATOR, N_("Administrator"), Reach.EVERYTHING),
    ShippedRole(SUPERVISOR, N_("Supervisor"), Reach.ORGANISATION),
    ShippedRole(CURATOR, N_("Curator"), Reach.OWN),
    ShippedRole(SPECIALIST, N_("Specialist"), Reach.OWN),
    ShippedRole(SECRETARY, N_("Commission secretary"), Reach.MUNICIPALITY),
    ShippedRole(COMMISSIONER, N_("Commission member"), Reach.AGENDA),
    ShippedRole(ANALYST, N_("Analyst"), Reach.NOTHING),
)

# What the roles may usually do, by the kind of thing. A declaration takes one of these and names its exceptions.
CASEWORK = {
    ADMINISTRATOR: May.ALL,
    SUPERVISOR: May.ALL,
    CURATOR: May.WRITE | May.PRINT | May.EXPORT | May.API,
    SPECIALIST: May.READ | May.PRINT,
    SECRETARY: May.READ | May.PRINT | May.EXPORT,
    COMMISSIONER: May.READ,
}
COMMISSION_WORK = {
    ADMINISTRATOR: May.ALL,
    SUPERVISOR: May.READ | May.PRINT | May.EXPORT,
    CURATOR: May.READ | May.PRINT,
    SPECIALIST: May.READ,
    SECRETARY: May.ALL,
    COMMISSIONER: May.READ,
}
DICTIONARY = {
    ADMINISTRATOR: May.ALL,
    SUPERVISOR: May.READ | May.API,
    CURATOR: May.READ | May.API,
    SPECIALIST: May.READ,
    SECRETARY: May.READ,
    COMMISSIONER: May.READ,
    ANALYST: May.READ,
}
