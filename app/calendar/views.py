"""The calendar: a month or a week of what is due; moving what may be moved; and the file other calendars read."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter, itemgetter
from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_babel import force_locale, format_date
from flask_babel import gettext as _
from sqlalchemy import case, delete, literal, select, update
from werkzeug.datastructures import MultiDict

from app.calendar import rules
from app.calendar.entries import KINDS, MOST, Entry, entries, production
from app.calendar.models import CalendarLink
from app.cases.models import Case
from app.deadlines.models import Deadline, Delay
from app.kernel import clock
from app.kernel.access import digest, identify, may, needs, require_identity, safe_next
from app.kernel.declare import N_, May
from app.kernel.orm import Moment, Record, acting_as, now
from app.kernel.query import BadQuery, ListQuery, record_number
from app.kernel.schema import schema_of
from app.kernel.scope import can_see
from app.kernel.screens.base import reader
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused, save
from app.meetings.models import Meeting
from app.plans.models import Activity
from app.plans.rules import due_date
from app.territory.models import Staff

SHOWN = {rules.MONTH: 5, rules.WEEK: MOST}  # entries in a day, before the rest is asked for
HOUR, MOST_AN_HOUR = dt.timedelta(hours=1), 60  # how often one link is read
MOVED = {
    Meeting: N_("The meeting is moved from %(old)s to %(new)s."),
    Activity: N_("The row of the plan is moved from %(old)s to %(new)s."),
}
MOVED_BY_ANOTHER = N_("Somebody has moved it meanwhile: look again.")
HELD = N_("The meeting has been held: its date is corrected in its form.")
DAY_OFF = N_("That is a day off.")


@dataclass(frozen=True)
class Day:
    """A day as the page draws it; ``more`` of its entries are on the page of its week."""

    day: dt.date
    entries: Sequence[Entry]
    more: int
    off: bool
    aside: bool  # of another month


@dataclass(frozen=True)
class Place:
    """Which page of the calendar: its address holds a view, a day and the number of a member of staff."""

    view: str
    on: dt.date
    curator: int | None = None

    @classmethod
    def asked(cls) -> Place:
        """By the address of this request, read strictly."""
        args, today = request.args, clock.today()
        if set(args) - {"view", "on", "curator"} or any(len(args.getlist(key)) > 1 for key in args):
            raise BadQuery("calendar")
        view, on, curator = args.get("view") or rules.MONTH, args.get("on"), args.get("curator")
        try:
            day = dt.date.fromisoformat(on) if on else today
            number = record_number(curator) if curator else None
        except ValueError:
            raise BadQuery("calendar") from None
        if view not in rules.VIEWS or not 1900 < day.year < 2200:
            raise BadQuery("calendar")
        return cls(view, day, number)

    def __call__(self, **changes: Any) -> str:
        """The address of this page with something changed."""
        values = {"view": self.view, "on": self.on, "curator": self.curator} | changes
        if values["view"] == rules.MONTH:
            del values["view"]
        return url_for("Calendar.page", **values)


class Calendar(BaseView):  # type: ignore[misc]
    """«Календарь»."""

    route_base = "/calendar"
    default_view = "page"

    @expose("/")
    @needs(May.LIST, "Deadline")
    def page(self) -> Any:
        """A month or a week of what the reader may see."""
        place, today = Place.asked(), clock.today()
        me = require_identity().viewer.staff_id
        if place.curator not in (None, me) and not can_see(session(), Staff, [place.curator or 0]):
            abort(404)
        first, last = rules.span(place.view, place.on)
        found, calendars = entries(first, last, may, place.curator), production()
        shown = rules.days(first, last)
        by_day: dict[dt.date, list[Entry]] = {day: [] for day in shown}
        for entry in sorted((one for part in found.values() for one in part), key=lambda one: (one.name, one.id)):
            by_day[entry.day].append(entry)
        most = SHOWN[place.view]
        days = [
            Day(
                day,
                by_day[day][:most],
                len(by_day[day][most:]),
                off=not any(one.works(day) for one in calendars) if calendars else day.weekday() > 4,
                aside=place.view == rules.MONTH and day.month != place.on.month,
            )
            for day in shown
        ]
        return self.render_template(
            "calendar/calendar.html",
            place=place,
            title=self._title(place, first, last),
            weeks=[days[n : n + 7] for n in range(0, len(days), 7)],
            today=today,
            kinds=[kind for kind in KINDS if kind in found],
            before=rules.before(place.view, place.on),
            after=rules.after(place.view, place.on),
            me=me,
            curators=self._curators(),
            may_move={kind: may(May.EDIT, kind.entity) for kind in found},
            may_open={kind: may(May.SHOW, kind.entity) for kind in found},
            may_put_off=may(May.ADD, Delay),
            cut=any(len(part) == MOST for part in found.values()),
            unknown=[year for year in sorted({first.year, last.year}) if any(year not in c.years for c in calendars)],
            called=lambda day, words: format_date(day, words),
        )

    def _title(self, place: Place, first: dt.date, last: dt.date) -> str:
        if place.view == rules.MONTH:
            name = format_date(place.on, "LLLL y")
            return name[:1].upper() + name[1:]
        begins = f"{first.day}–" if first.month == last.month else f"{format_date(first, 'd MMMM')} – "
        return begins + format_date(last, "d MMMM y")

    def _curators(self) -> list[tuple[int, str]]:
        """Who leads open cases, by name: whose days may be looked at apart. None where there is nothing to choose."""
        if not (may(May.LIST, Case) and may(May.LIST, Staff)):
            return []
        cases = reader(schema_of(Case))
        query = ListQuery.parse(schema_of(Case), MultiDict({"status": "OPEN"}))
        ids = sorted(id_ for id_ in cases.grouped(query, "curator") if id_)
        return sorted(((one.id, one.label) for one in reader(schema_of(Staff)).labels(ids)), key=itemgetter(1))

    # -- moving

    @expose("/meeting/<int:pk>", methods=["POST"])
    @needs(May.EDIT, "Meeting")
    def meeting(self, pk: int) -> ResponseReturnValue:
        """Another day for a meeting that has not been held."""
        found = session().get(Meeting, pk) or abort(404)
        if found.held_on < clock.today():
            return self._back(_(HELD))
        return self._move(found, "held_on", {})

    @expose("/activity/<int:pk>", methods=["POST"])
    @needs(May.EDIT, "Activity")
    def activity(self, pk: int) -> ResponseReturnValue:
        """Another day for a row of a plan that may still change; its term in words follows, when it names a day."""
        found = session().get(Activity, pk) or abort(404)
        term = found.term
        new, words = _day("on"), request.form.get("term", "")[:200].replace("\x00", "")
        if words:  # taken back: with the words that it had
            found.term = words
        elif term and due_date(term, found.goal.plan.made_on) is not None:
            found.term = f"{new:%d.%m.%Y}"
        return self._move(found, "due_on", {"term": term} if term and term != found.term else {})

    def _move(self, record: Record, name: str, before: dict[str, str]) -> ResponseReturnValue:
        """Give the record the posted day, tell of it, and offer to take it back."""
        new, was = _day("on"), _day("was")
        old = getattr(record, name)
        if old != was:
            session().rollback()
            return self._back(_(MOVED_BY_ANOTHER))
        setattr(record, name, new)
        try:
            save(session(), record)
            session().commit()
        except Refused as refused:
            session().rollback()
            return self._back(" ".join(_(item.message) for item in refused.wrong))
        except Conflict:
            session().rollback()
            return self._back(_(MOVED_BY_ANOTHER))
        words = _(MOVED[type(record)], old=f"{old:%d.%m.%Y}", new=f"{new:%d.%m.%Y}")  # type: ignore[index]
        if (found := production()) and not any(one.works(new) for one in found):
            words = f"{words} {_(DAY_OFF)}"
        fields = {"on": f"{old}", "was": f"{new}", "next": self._next(), **before}
        flash({"text": words, "back": {"path": request.path, "fields": fields}}, "success")  # type: ignore[arg-type]
        return redirect(self._next())

    def _next(self) -> str:
        return safe_next(request.form.get("next") or url_for("Calendar.page"))

    def _back(self, words: str) -> ResponseReturnValue:
        flash(words, "danger")
        return redirect(self._next())

    # -- for other programs

    @expose("/feed/<secret>.ics")
    def feed(self, secret: str) -> ResponseReturnValue:
        """The days of whoever made the link: kinds and numbers of cases, and nothing that tells of a person."""
        db, moment = session(), now()
        link = CalendarLink.__table__.c
        this, over = literal(moment, Moment()), link.since <= literal(moment - HOUR, Moment())
        row = db.execute(
            update(CalendarLink.__table__)
            .where(link.digest == digest(secret))
            .values(
                since=case((over, this), else_=link.since),
                asked=case((over, 1), else_=link.asked + 1),
            )
            .returning(link.user_id, link.asked)
        ).first()
        db.commit()
        found = identify(db, row.user_id) if row else None
        if row is None or found is None or found.must_change:
            abort(404)
        if (May.LIST.permission, Deadline.__name__) not in found.holding.permissions:
            abort(404)
        if row.asked > MOST_AN_HOUR:
            return Response(status=429, headers={"Retry-After": f"{int(HOUR.total_seconds())}"})
        today = clock.day_in(clock.zone(found.viewer.zone))
        kept = found.holding.permissions
        with acting_as(db, found.viewer), force_locale(found.locale or current_app.config["BABEL_DEFAULT_LOCALE"]):
            days = (
                entries(
                    today - rules.BEFORE,
                    today + rules.AHEAD,
                    lambda flag, entity: (flag.permission, entity.__name__) in kept,
                    found.viewer.staff_id,
                )
                if found.viewer.staff_id is not None
                else {}
            )
            events = [_event(entry) for part in days.values() for entry in sorted(part, key=attrgetter("day", "id"))]
            text = rules.icalendar(_("Ryadom"), events, moment)
        return Response(text, mimetype="text/calendar", headers={"Content-Disposition": "inline; filename=ryadom.ics"})


def _event(entry: Entry) -> rules.Event:
    """Told without a name: what kind of thing it is, and the number of its case."""
    name = f"{entry.kind.key}-{entry.id}"
    uid = hmac.new(current_app.secret_key.encode(), name.encode(), sha256).hexdigest()[:32]  # type: ignore[union-attr]
    return rules.Event(f"{uid}@ryadom", entry.day, " · ".join(filter(None, (_(entry.kind.title), entry.case))))


def _day(name: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise BadQuery(name) from None
    if not 1900 < day.year < 2200:
        raise BadQuery(name)
    return day


class CalendarAccount(BaseView):  # type: ignore[misc]
    """The link to one's calendar, among what belongs to one's account."""

    route_base = "/account"
    default_view = "calendar"

    @expose("/calendar", methods=["GET", "POST"])
    def calendar(self) -> ResponseReturnValue:
        """Make the link, make another in its place, or take it away. It is shown once: only its digest is kept."""
        found, db = require_identity(), session()
        mine = CalendarLink.__table__.c.user_id == found.user.id
        address = ""
        if request.method == "POST":
            secret = secrets.token_urlsafe(32)
            db.execute(delete(CalendarLink.__table__).where(mine))
            if request.form.get("do") == "make":
                db.add(CalendarLink(user_id=found.user.id, digest=digest(secret)))
                address = url_for("Calendar.feed", secret=secret, _external=True)
            db.commit()
            if not address:
                flash(_("The link is taken away: nothing is told by it any more."), "success")
                return redirect(url_for("CalendarAccount.calendar"))
        made_at = db.execute(select(CalendarLink.made_at).where(mine)).scalar()
        return render_template(
            "calendar/link.html", address=address, made_at=made_at, is_staff=found.viewer.staff_id is not None
        )
