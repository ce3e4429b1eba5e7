"""What a procedure expects of a case, given what stands in its records. Source: domain.md, section 3.

Everything here is a function of plain values: the same records give the same terms, whoever asks and whenever.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.terms.rules import Calendar, NeverDue, Phase, Span, Term, due, occasions

# Facts that happen more than once, each with a term of its own (ANG-T8: every change in the family).
EACH_TIME = frozenset({"FAMILY_CHANGED", "ORDER", "RISK_RAISED"})
STAGE = "STAGE"
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """A requirement of a procedure, as far as time goes; names of facts, placements and levels as they are stored."""

    id: int
    event: str
    term: Term | None = None  # of what is due once
    phases: tuple[Phase, ...] = ()  # of what repeats
    proof: str = ""
    stage: int = 0  # for the event STAGE
    after: bool = False  # it holds after the case is closed
    placement: str = ""
    risk: str = ""
    optional: bool = False  # it holds only where somebody has said that it is needed


Key = tuple[int, dt.date, int]  # rule, day of the event, which time


@dataclass(frozen=True)
class Standing:
    """A case as far as its terms go. Days of each fact are in order, the earliest first, and none twice.

    ``withdrawn``: what was done on the first day of a span and taken back on its last, as a plan that was cancelled.
    """

    facts: Mapping[str, Sequence[dt.date]]
    stages: Mapping[int, dt.date] = field(default_factory=dict)  # since when it stood at each
    marks: Mapping[int, Sequence[dt.date]] = field(default_factory=dict)  # by rule: what was marked by hand
    waived: frozenset[int] = frozenset()  # rules that do not apply here
    needed: frozenset[int] = frozenset()  # rules that do, of those that may be left out
    delays: Mapping[Key, dt.date] = field(default_factory=dict)
    stood: tuple[Span, ...] = ()
    placement: str = ""
    placed_on: dt.date | None = None
    risk: str = ""
    risk_since: dt.date | None = None
    closed_on: dt.date | None = None
    follow_up: Term | None = None
    withdrawn: Mapping[str, Sequence[Span]] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """One thing that is or was due: the last day in time (None while the case stands still), and when it was done.

    ``ended_on``: it was missed, and is expected no more since what it was counted from was taken back.
    """

    rule: int
    event_on: dt.date
    occasion: int
    due_on: dt.date | None
    done_on: dt.date | None
    ended_on: dt.date | None = None

    @property
    def key(self) -> Key:
        return (self.rule, self.event_on, self.occasion)


def expected(rule: Rule, case: Standing, calendar: Calendar) -> Iterator[Expected]:
    """The terms of one rule: those that were kept, early or late, and what is waited for.

    A closed case waits for nothing but what is to be done after closing. Nothing is waited for from the day on which
    the event was taken back; what was missed by then is told as missed.
    """
    if not asked_for(rule, case) or not _applies(rule, case):
        return
    proofs = _proofs(rule, case)
    for event, until in _events(rule, case):
        within = proofs if until is None else proofs[: bisect_left(proofs, until)]
        found = (
            _rounds(rule, event, within, case, calendar) if rule.phases else _once(rule, event, within, case, calendar)
        )
        for one in found:
            if one.done_on is None and until is not None:
                if one.due_on is not None and one.due_on < until:
                    yield replace(one, ended_on=until)
            elif one.done_on is not None or rule.after or case.closed_on is None:
                yield one


def asked_for(rule: Rule, case: Standing) -> bool:
    """Whether the rule is one of this case's, by what people have said of it."""
    return rule.id in case.needed if rule.optional else rule.id not in case.waived


def _applies(rule: Rule, case: Standing) -> bool:
    if rule.after and (case.closed_on is None or case.follow_up is None):
        return False
    return rule.placement in ("", case.placement) and rule.risk in ("", case.risk)


def _events(rule: Rule, case: Standing) -> Iterator[tuple[dt.date, dt.date | None]]:
    """The days from which the term is counted, each with the day on which it was taken back, if it was."""
    if rule.event == STAGE:
        days: Sequence[dt.date] = [case.stages[rule.stage]] if rule.stage in case.stages else []
    else:
        days = case.facts.get(rule.event, ())
    if rule.phases or rule.event not in EACH_TIME:
        days = days[-1:] if rule.event == "RISK_RAISED" else days[:1]
    # What was taken back counted until then, or until the next of its kind took its place.
    begins = days[0] if days else dt.date.max
    over = dt.date.min
    for span in case.withdrawn.get(rule.event, ()):
        if over <= span.first < begins and span.last is not None:
            over = min(span.last, begins)
            yield _since(rule, case, span.first), over
    for day in days:
        yield _since(rule, case, day), None


def _since(rule: Rule, case: Standing, day: dt.date) -> dt.date:
    """A rhythm that belongs to a placement or a level begins when the child came there, or the level was found."""
    since = [one for one in (case.placed_on if rule.placement else None, case.risk_since if rule.risk else None) if one]
    return max(day, *since) if rule.phases and since else day


def _proofs(rule: Rule, case: Standing) -> Sequence[dt.date]:
    """Days on which it was done. What is done after closing keeps no term of the work before it."""
    days, marks = case.facts.get(rule.proof, ()), case.marks.get(rule.id)
    if marks:
        days = sorted({*days, *marks})
    if case.closed_on is None:
        return days
    cut = bisect_right(days, case.closed_on)
    return days[cut:] if rule.after else days[:cut]


def _done(
    rule: Rule, case: Standing, proofs: Sequence[dt.date], at: int, since: dt.date, last: dt.date | None
) -> dt.date | None:
    """When it was done: the first proof from ``at`` on, or what was taken back only after the last day in time.

    A plan that was cancelled while there was time left keeps no term: another is still to be made. One cancelled
    later has kept it on its day: nobody is late today for what was done then.
    """
    done = proofs[at] if at < len(proofs) else None
    for span in case.withdrawn.get(rule.proof, ()):
        stood = last is not None and span.last is not None and span.last > last
        if stood and span.first >= since and (done is None or span.first < done):
            done = span.first
    return done


def _once(
    rule: Rule, event: dt.date, proofs: Sequence[dt.date], case: Standing, calendar: Calendar
) -> Iterator[Expected]:
    """What happens once may be proved by what was done before it: a consent signed the day before."""
    assert rule.term is not None
    try:
        day: dt.date | None = due(event, rule.term, calendar, case.stood).day
    except NeverDue:
        day = None
    key = (rule.id, event, 1)
    last = case.delays.get(key, day)
    since = event if rule.event in EACH_TIME else dt.date.min
    yield Expected(*key, last, _done(rule, case, proofs, bisect_left(proofs, since), since, last))


def _rounds(
    rule: Rule, event: dt.date, proofs: Sequence[dt.date], case: Standing, calendar: Calendar
) -> Iterator[Expected]:
    """The rounds of what repeats, up to the first that nothing answers.

    A round is answered by the first thing done after the day of the round before: in time, or late. So a late visit
    answers what was missed before it, each round as late as it was, and its own round in time.
    """
    before, phases = event, rule.phases
    if rule.after and case.follow_up is not None:
        phases = tuple(Phase(phase.every, phase.lasts or case.follow_up) for phase in phases)
    rounds = occasions(event, phases, calendar, case.stood)
    number = 0
    while True:
        number += 1
        try:
            day: dt.date | None = next(rounds, None)
            if day is None:
                return
        except NeverDue:
            day = None
        key = (rule.id, event, number)
        last = case.delays.get(key, day)
        done = _done(rule, case, proofs, bisect_right(proofs, before), before + _DAY, last)
        yield Expected(*key, last, done)
        if done is None or day is None:
            return
        before = day


def end_of_week(today: dt.date) -> dt.date:
    """The Sunday of this week."""
    return today + dt.timedelta(days=6 - today.weekday())


def days_late(due_on: dt.date | None, done_on: dt.date | None, ended_on: dt.date | None, today: dt.date) -> int | None:
    """By how many calendar days it was or is late; None when it is not."""
    until = done_on or ended_on or today
    return (until - due_on).days if due_on and until > due_on else None
