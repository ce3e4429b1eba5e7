"""The time zones of the two countries that the product is used in, by the names that the world keeps them under."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from app.kernel import clock
from app.kernel.declare import N_, Choice


class Zone(Choice):
    """A time zone, told by its towns and by how far it is from Greenwich."""

    KALININGRAD = N_("Kaliningrad (UTC+2)")
    MOSCOW = N_("Moscow, Veliky Novgorod (UTC+3)")
    SAMARA = N_("Samara, Saratov, Izhevsk (UTC+4)")
    YEKATERINBURG = N_("Perm, Yekaterinburg, Chelyabinsk (UTC+5)")
    KAZAKHSTAN = N_("Kazakhstan (UTC+5)")
    OMSK = N_("Omsk (UTC+6)")
    KRASNOYARSK = N_("Krasnoyarsk, Novosibirsk, Kemerovo (UTC+7)")
    IRKUTSK = N_("Irkutsk, Angarsk, Ulan-Ude (UTC+8)")
    YAKUTSK = N_("Yakutsk, Chita, Blagoveshchensk (UTC+9)")
    VLADIVOSTOK = N_("Vladivostok, Khabarovsk (UTC+10)")
    MAGADAN = N_("Magadan, Yuzhno-Sakhalinsk (UTC+11)")
    KAMCHATKA = N_("Petropavlovsk-Kamchatsky, Anadyr (UTC+12)")

    @property
    def key(self) -> str:
        """The name in the time zone database."""
        return "Asia/Almaty" if self is Zone.KAZAKHSTAN else f"{_PLACES.get(self.name, 'Asia')}/{self.name.title()}"


# Those of Europe; the others are of Asia.
_PLACES = dict.fromkeys(("KALININGRAD", "MOSCOW", "SAMARA"), "Europe")


def zone_of(zone: Zone | None) -> ZoneInfo:
    """The time zone of an organisation; without one of its own that of the installation."""
    return clock.zone(zone.key if zone else "")
