"""The demonstration: an invented town with families at every step of the way. Told in ``data/demo.yaml``.

Days in the story are counted from today, so it never ages; the same day and seed tell the same story.
"""

from __future__ import annotations

import datetime as dt
import io
import random
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import roles
from app.cases.models import Case, CaseEvent, CaseStatus, EventKind, Problem, Suspension
from app.deadlines.engine import settle, settle_all
from app.deadlines.flow import line
from app.deadlines.models import Deadline, Delay, Mark, MarkKind
from app.families.models import Category, Family, Income, Member, MemberRole
from app.handover.models import Absence, AbsenceReason, HandoverReason
from app.handover.transfer import Terms, pass_on
from app.journal.models import Contact, ContactKind, Monitoring, MonitoringDecision, MonitoringResult
from app.kernel.files import keep
from app.kernel.orm import acting_as, now
from app.kernel.printing_worker import FONTS
from app.kernel.scans import Scan
from app.kernel.writing import save
from app.meetings.models import (
    AgendaItem,
    Commission,
    CommissionMember,
    CommissionRole,
    Meeting,
    QuestionKind,
)
from app.plans.models import Activity, Goal, Plan, PlanStatus
from app.plans.rules import due_date
from app.presets import load_presets
from app.procedures.kinds import CommissionKind, CommissionLevel, Fact, Placement, PlanKind
from app.procedures.models import ClosingGround, Procedure, Requirement
from app.risks.models import FactorSet, RiskAssessment, RiskLevel
from app.signals.models import Signal, SignalSource, SignalStatus
from app.territory.models import Municipality, Organisation, OrganisationKind, Precinct, Staff

__all__ = ["LOGINS", "PASSWORD", "DemoLogin", "NotEmpty", "load_demo"]

# The demonstration is open to anyone who can reach it: its password is no secret.
PASSWORD = "vmeste-i-ryadom"
LOGINS = {
    "admin": roles.ADMINISTRATOR,
    "rukovoditel": roles.SUPERVISOR,
    "kurator": roles.CURATOR,
    "specialist": roles.SPECIALIST,
    "sekretar": roles.SECRETARY,
    "komissiya": roles.COMMISSIONER,
    "analitik": roles.ANALYST,
}
_MARKS = (
    "Сделано.",
    "Сделано вовремя.",
    "Сделано с помощью куратора.",
    "Сделано, хотя заняло больше времени, чем думали.",
    "Сделано, семья довольна.",
)
_VISITS = {
    Fact.HOME_VISIT: (ContactKind.HOME, "посещение семьи дома", "Все дома, разговаривали спокойно. Новых тревог нет."),
    Fact.PHONE_CALL: (ContactKind.PHONE, "звонок по расписанию", "Узнали, как дела. Новых тревог нет."),
}
_DECIDED = "План утвердить. О ходе дел сообщить через три месяца."


class DemoLogin(NamedTuple):
    """Who may sign in to the demonstration."""

    role: str
    login: str
    password: str


class NotEmpty(RuntimeError):
    """The database holds families already: the demonstration is never mixed with anything."""


@cache
def _story() -> Any:
    return yaml.safe_load((Path(__file__).parent / "data" / "demo.yaml").read_text(encoding="utf-8"))


def load_demo(session: Session, files: Path, *, today: dt.date | None = None, seed: int = 1) -> list[DemoLogin]:
    """Fill an empty database with the demonstration; returns its logins. Committing is the caller's.

    ``files`` is the folder where signed papers are kept.

    :raises NotEmpty: when there are families in the database.
    """
    from app.kernel.users import create_user  # it knows the web application, which nothing else here needs

    with acting_as(session):
        if session.scalars(select(Family.id).limit(1)).first() is not None:
            raise NotEmpty("the demonstration needs an empty database")
        load_presets(session)
        demo = _Demo(session, today or dt.date.today(), random.Random(seed))
        with session.no_autoflush:  # every record is flushed by being saved
            demo.tell()
            demo.sign(files)
        for login, role in LOGINS.items():
            create_user(session, login, PASSWORD, [role], demo.accounts[login])
        session.flush()
    return [DemoLogin(role, login, PASSWORD) for login, role in LOGINS.items()]


def signed_page(name: str, day: dt.date | None) -> IO[bytes]:
    """A sheet as a scanner sees it: a heading, who has signed, and a line by hand."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("L", (827, 1169), 250)  # A4 at 100 dpi
    pen = ImageDraw.Draw(page)
    head, text = (ImageFont.truetype(FONTS / "PTSerif-Regular.ttf", size) for size in (26, 19))
    pen.text((413, 160), "Согласие на обработку персональных данных", 20, head, "mm")
    pen.text((110, 240), f"Я, {name}, согласие даю.\n\nДокумент придуман для показа.", 20, text, spacing=10)
    pen.text((110, 420), f"{day:%d.%m.%Y}", 20, text)
    pen.line([(430 + 6 * n, 430 + (n * 37 % 23) - n // 2) for n in range(35)], 90, 2)
    page.save(made := io.BytesIO(), "PNG")
    made.seek(0)
    return made


class _Demo:
    """The story on its way into the database."""

    def __init__(self, session: Session, today: dt.date, chance: random.Random) -> None:
        self.session, self.today, self.chance = session, today, chance
        self.story = _story()
        self.municipalities = {each.name: each for each in session.scalars(select(Municipality))}
        self.categories = {each.name: each for each in session.scalars(select(Category))}
        self.procedures = {each.code: each for each in session.scalars(select(Procedure))}
        self.grounds = {each.name: each for each in session.scalars(select(ClosingGround))}
        self.factor_sets = {each.name: each for each in session.scalars(select(FactorSet))}
        self.precincts: dict[str, Precinct] = {}
        self.organisations: dict[str, Organisation] = {}
        self.staff: dict[str, Staff] = {}
        self.accounts: dict[str, Staff] = {}
        self.meetings: dict[str, Meeting] = {}
        self.families: dict[str, Family] = {}
        self.cases: dict[str, Case] = {}  # the last one of each family
        self.told: dict[int, tuple[Case, Mapping[str, Any]]] = {}  # every case with its story, by its number

    def tell(self) -> None:
        for key, told in self.story["precincts"].items():
            self.precincts[key] = Precinct(**told | {"municipality": self.municipalities[told["municipality"]]})
        self.save(*self.precincts.values())
        for key, told in self.story["organisations"].items():
            self.organisation(key, told)
        self.commissions()
        families = self.story["families"]
        for told in families:
            self.family(told)
        # In the order of time, so that the numbers of cases and signals grow with it.
        cases = [(case, told) for told in families for case in told.get("cases", ())]
        for case, told in sorted(cases, key=lambda pair: int(pair[0]["opened"])):
            self.case(case, told)
        for told in self.story["absences"]:
            self.absence(told)
        own = [told["signal"] | {"family": told["key"]} for told in families if "signal" in told]
        for told in sorted([*own, *self.story["signals"]], key=lambda each: int(each["received"])):
            self.signal(told)
        for told in self.story["questions"]:
            self.question(**told)
        self.keep_terms()
        before: dict[int, Case] = {}  # the closed case of each family
        for case, told in self.told.values():
            case.previous = before.get(case.family_id)
            before[case.family_id] = case
            self.tick_off(case, told)
            self.put_off(case, told)
            self.close(case, told)

    def save(self, *records: Any) -> None:
        save(self.session, *records)

    def day(self, days: int) -> dt.date:
        """A day counted from today."""
        return self.workday(self.today + dt.timedelta(days=days))

    def workday(self, day: dt.date) -> dt.date:
        """The day, or the Friday before it: work is not done at weekends."""
        return day - dt.timedelta(days=max(0, day.weekday() - 4))

    def moment(self, days: int) -> dt.datetime:
        """A morning counted from today, never later than now."""
        hour = dt.time(9 + self.chance.randrange(4), self.chance.randrange(60), tzinfo=dt.UTC)
        return min(dt.datetime.combine(self.today + dt.timedelta(days=days), hour), now())

    def born(self, age: float) -> dt.date:
        return self.today - dt.timedelta(days=round(age * 365.25) + self.chance.randrange(20))

    # --- Who works here ---

    def organisation(self, key: str, told: Mapping[str, Any]) -> None:
        names = ("name", "full_name", "address", "phone", "email")
        organisation = self.organisations[key] = Organisation(
            kind=OrganisationKind[told["kind"]],
            municipality=self.municipalities[told["municipality"]],
            **{name: told[name] for name in names},
        )
        for who, person in told["staff"].items():
            staff = self.staff[who] = Staff(
                name=person["name"],
                position=person["position"],
                organisation=organisation,
                municipality=organisation.municipality,
                precinct=self.precincts.get(person.get("precinct", "")),
                works=person.get("works", True),
            )
            if "login" in person:
                self.accounts[person["login"]] = staff
        self.save(organisation, *organisation.staff)

    def commissions(self) -> None:
        made: dict[str, Commission] = {}
        for key, told in self.story["commissions"].items():
            commission = made[key] = Commission(
                name=told["name"],
                kind=CommissionKind[told["kind"]],
                level=CommissionLevel[told["level"]],
                organisation=self.organisations.get(told.get("organisation", "")),
                municipality=self.municipalities[told["municipality"]],
                schedule=told["schedule"],
                prefix=told["prefix"],
            )
            for who, role, *term in told["members"]:
                since, until = (self.day(days) for days in term) if term else (self.day(-500), None)
                member = CommissionMember(staff=self.staff[who], role=CommissionRole[role], since=since, until=until)
                commission.members.append(member)
            self.save(commission, *commission.members)
        for key, told in self.story["meetings"].items():
            commission = made[told["commission"]]
            others = (each for each in self.story["meetings"].values() if each["commission"] == told["commission"])
            held = sorted(int(each["held"]) for each in others)
            later = next((days for days in held if days > told["held"]), None)
            sat = (member.staff for member in commission.members if member.until is None)
            self.meetings[key] = Meeting(
                commission=commission,
                number=f"{commission.prefix}-{held.index(told['held']) + 1}",
                held_on=self.day(told["held"]),
                place=told["place"],
                participants="\n".join(f"{person.name}, {person.position}" for person in sat),
                next_on=None if later is None else self.day(later),
            )
        self.save(*self.meetings.values())

    # --- Families ---

    def family(self, told: Mapping[str, Any]) -> None:
        names = ("name", "address", "registered_address", "phone", "living_conditions", "clinic", "education",
                 "extra_education", "notes")  # fmt: skip
        organisation = self.organisations[told["organisation"]]
        family = self.families[told["key"]] = Family(
            organisation=organisation,
            municipality=organisation.municipality,
            precinct=self.precincts[told["precinct"]],
            categories=[self.categories[name] for name in told["categories"]],
            **{name: told.get(name) for name in names},
        )
        first = min([0, *(case["opened"] for case in told.get("cases", ()))])
        family.created_at = self.moment(first - 2)
        for position, (name, role, kinship, age, diagnosis, occupation) in enumerate(told["members"], start=1):
            member = Member(
                position=position,
                name=name,
                role=MemberRole[role],
                kinship=kinship,
                born_on=self.born(age),
                diagnosis=diagnosis,
                occupation=occupation,
                phone=told["phone"] if role == "PARENT" else None,
            )
            family.members.append(member)
        for source, amount in told["incomes"].items():
            family.incomes.append(Income(source=source, amount=amount))
        self.save(family, *family.members, *family.incomes)
        self.risks(family, told)

    def risks(self, family: Family, told: Mapping[str, Any]) -> None:
        factor_set = self.factor_sets[self.story["organisations"][told["organisation"]]["risks"]]
        factors = {factor.number: factor for factor in factor_set.factors}
        curators = [case["curator"] for case in told.get("cases", ())]
        for days, numbers, *overruled in told["risks"]:
            level, reason = overruled or (None, None)
            assessment = RiskAssessment(
                family=family,
                assessed_on=self.day(days),
                factor_set=factor_set,
                factors=[factors[number] for number in numbers],
                level=RiskLevel[level] if level else None,
                reason=reason,
                staff=self.staff[curators[-1]] if curators else None,
            )
            self.save(assessment)

    def signal(self, told: Mapping[str, Any]) -> None:
        family, case = self.families.get(told.get("family", "")), self.cases.get(told.get("family", ""))
        organisation = family.organisation if family else self.organisations[told["organisation"]]
        staff = case.curator if case else self.staff.get(told.get("staff", ""))
        signal = Signal(
            received_at=self.moment(told["received"]),
            source=SignalSource[told["source"]],
            reporter=told["reporter"],
            content=told["content"],
            address=told.get("address") or (family.address if family else None),
            organisation=organisation,
            municipality=organisation.municipality,
            risk=RiskLevel[told["risk"]] if "risk" in told else None,
            status=SignalStatus[told.get("status", "CONFIRMED")],
            staff=staff,
            family=family,
            case=case,
            decision=told.get("decision"),
        )
        self.save(signal)

    # --- Cases ---

    def case(self, told: Mapping[str, Any], family: Mapping[str, Any]) -> None:
        curator = self.staff[told["curator"]]
        consent = told.get("consent", told["opened"])
        case = Case(
            family=self.families[family["key"]],
            procedure=self.procedures[told["procedure"]],
            curator=curator,
            specialists=[self.staff[who] for who in told.get("specialists", ())],
            reason=told["reason"],
            opened_on=self.day(told["opened"]),
            applied_on=self.day(told["applied"]) if "applied" in told else None,
            placement=Placement[told["placement"]] if "placement" in told else None,
            consent_on=None if consent is None else self.day(consent),
        )
        for number, kit in enumerate(told["kits"], start=1):
            problem = Problem(number=number, text=self.kit(kit)["problem"])
            problem.created_at = self.moment(told["opened"])
            case.problems.append(problem)
        self.save(case, *case.problems)
        self.cases[family["key"]] = case
        self.told[case.id] = case, told
        self.way(case, told)
        end = told.get("closed", 0)
        plans = [(self.plan(each, told, case), each.get("kits", told["kits"])) for each in told.get("plans", ())]
        self.contacts(told, case, plans, end)
        self.monitorings(told, case)

    def way(self, case: Case, told: Mapping[str, Any]) -> None:
        """Through which stages the case went, and what happened on the way."""
        assert case.edition is not None
        for stage, days in zip(case.edition.stages[1:], told.get("stages", ()), strict=False):
            case.enter(stage, self.day(days))
        if "suspended" in told:
            since, reason = told["suspended"]
            case.status = CaseStatus.SUSPENDED
            case.suspensions.append(Suspension(since=self.day(since), reason=reason))
        self.save(case, *case.suspensions)
        for kind, days, note in told.get("events", ()):
            self.save(CaseEvent(case=case, kind=EventKind[kind], happened_on=self.day(days), note=note))

    def close(self, case: Case, told: Mapping[str, Any]) -> None:
        if "closed" not in told:
            self.save(case)
            return
        case.status = CaseStatus.CLOSED
        case.closed_on = self.day(told["closed"])
        case.closing_ground = self.grounds[told["ground"]]
        case.outcome_note = told["outcome_note"]
        for problem in case.problems if told["ground"] == "Цели плана достигнуты" else ():
            problem.solved_on = case.closed_on
        self.save(case, *case.problems)
        settle(self.session.connection(), [case.id], case.closed_on)

    # --- Terms ---

    def keep_terms(self) -> None:
        """Do in time what the procedures ask for, round by round, but for what the story leaves open."""
        late = Deadline.done_on.is_(None) | (Deadline.done_on > Deadline.due_on)
        waiting = (
            select(Deadline.case_id, Deadline.due_on, Deadline.event_on, Requirement)
            .join(Deadline.requirement)
            .where(Deadline.due_on <= self.today, late)
            .order_by(Deadline.case_id, Deadline.requirement_id, Deadline.due_on)
        )
        made: list[Any] = [None]
        while made:
            settle_all(self.session.connection(), self.today)
            found = [self.keep(*row) for row in self.session.execute(waiting).all()]
            made = [record for record in found if record is not None]
            self.save(*made)

    def keep(self, case_id: int, due_on: dt.date, event_on: dt.date, asked: Requirement) -> Contact | Mark | None:
        """What keeps one term; None when the story tells of it, or leaves it open, or the case was closed by then."""
        case, told = self.told[case_id]
        left = told.get("open", {}).get(asked.name)
        if due_on > self.day(told.get("closed", 0)) or (left is not None and event_on >= self.day(left)):
            return None
        day = max(event_on, self.workday(due_on - dt.timedelta(days=self.chance.randrange(4))))
        if asked.proof is None:
            return self.marked(case, asked, day)
        if asked.proof not in _VISITS:
            return None
        kind, event, result = _VISITS[asked.proof]
        return Contact(
            case=case, held_on=day, kind=kind, event=event, responsible=self.named("Куратор", case), result=result
        )

    def marked(self, case: Case, asked: Requirement, day: dt.date) -> Mark:
        note = "Здесь не требуется." if asked.optional else None
        kind = MarkKind.WAIVED if asked.optional else MarkKind.DONE
        return Mark(case=case, requirement=asked, kind=kind, done_on=day, note=note)

    def tick_off(self, case: Case, told: Mapping[str, Any]) -> None:
        """Mark what was asked for without a term, or may be left out, at the stages that the case has left."""
        for step in line(self.session.connection(), case.id):
            until = step.until or (self.day(told["closed"]) if "closed" in told else None)
            left = [item for item in step.items if not (item.done_on or item.waived)] if until is not None else []
            for item in left:
                asked = self.session.get_one(Requirement, item.id)
                if (asked.event is None or asked.optional) and (item.by_hand or asked.proof is Fact.SIGNAL):
                    self.save(self.marked(case, asked, until))

    def put_off(self, case: Case, told: Mapping[str, Any]) -> None:
        for name, until, who, reason in told.get("delays", ()):
            term = (
                select(Deadline).join(Deadline.requirement).where(Deadline.case_id == case.id, Requirement.name == name)
            )
            deadline = self.session.scalars(term.order_by(Deadline.due_on.desc())).first()
            assert deadline is not None and deadline.due_on is not None
            delay = Delay(
                case=case,
                deadline=deadline,
                decided_on=min(deadline.due_on, self.today),
                until=None if until is None else self.day(until),
                approved_by=self.staff.get(who),
                reason=reason,
            )
            self.save(delay)
        settle(self.session.connection(), [case.id], self.today)

    def absence(self, told: Mapping[str, Any]) -> None:
        who, stand_in = self.staff[told["who"]], self.staff[told["stand_in"]]
        since, until = self.day(told["since"]), self.day(told["until"])
        self.save(Absence(staff=who, since=since, until=until, reason=AbsenceReason[told["reason"]], stand_in=stand_in))
        terms = Terms(HandoverReason.ABSENCE, since, temporary=True, until=until)
        pass_on(self.session, [(self.cases[key], stand_in) for key in told["cases"]], terms, "Крылова Софья Андреевна")

    def sign(self, files: Path) -> None:
        """The scan of a signed paper: the first consent there is."""
        case = next(case for case in self.cases.values() if case.consent_on)
        parent = next((one.name for one in case.family.members if one.role is MemberRole.PARENT), case.family.name)
        kept = keep(files, signed_page(parent, case.consent_on), 2**20)
        self.save(
            Scan(
                entity=Case.__tablename__,
                record_id=case.id,
                paper="consent",
                signed_on=case.consent_on,
                name="Согласие.png",
                kind=kept.kind,
                length=kept.size,
                digest=kept.digest,
                attached_by=case.curator.name if case.curator else "",
            )
        )

    def kit(self, name: str) -> Any:
        return self.story["kits"][name]

    def named(self, words: str, case: Case) -> str:
        """The responsible, with the curator by name."""
        return words.replace("Куратор", case.curator.name if case.curator else "Куратор")

    def plan(self, told: Mapping[str, Any], case_told: Mapping[str, Any], case: Case) -> Plan:
        plan = Plan(
            case=case,
            kind=PlanKind[told.get("kind", "FAMILY")],
            status=PlanStatus.DRAFT,
            made_on=self.day(told["made"]),
            nature=told["nature"],
            main_goal=told["main_goal"],
            until=self.day(told["until"]) if "until" in told else None,
            revision_reason=told.get("revision_reason"),
        )
        self.save(plan)
        activities: list[Activity] = []
        for number, name in enumerate(told.get("kits", case_told["kits"]), start=1):
            kit = self.kit(name)
            goal = Goal(plan=plan, number=number, text=kit["goal"], heading=kit["heading"])
            for position, (parents, specialists, responsible, term) in enumerate(kit["plan"], start=1):
                if isinstance(term, int):
                    term = f"до {self.day(told['made'] + term):%d.%m.%Y}"
                activity = Activity(
                    goal=goal,
                    position=position,
                    parents_action=parents,
                    specialists_action=specialists,
                    responsible=self.named(responsible, case),
                    term=term,
                    due_on=due_date(term, plan.made_on),
                )
                activities.append(activity)
        self.save(*plan.goals, *activities)
        self.mark(plan, activities, told["done"], case_told.get("closed", 0))
        self.approve(plan, told, case)
        return plan

    def mark(self, plan: Plan, activities: Sequence[Activity], done: int, end: int) -> None:
        """Mark the first activities as done, the nearest terms first; what is left over grows overdue."""
        last = min(self.day(end), self.today)
        by_term = sorted(activities, key=lambda each: each.due_on or plan.made_on + dt.timedelta(days=60))
        for activity in by_term[:done]:
            due = activity.due_on or plan.made_on + dt.timedelta(days=60)
            kept = due + dt.timedelta(days=self.chance.randrange(-6, 4))
            activity.done_on = max(plan.made_on, min(kept, last))
            activity.result = self.chance.choice(_MARKS)
        self.save(*by_term[:done])

    def approve(self, plan: Plan, told: Mapping[str, Any], case: Case) -> None:
        """Lead the plan to the step of its life at which the story finds it."""
        meeting = self.meetings.get(told.get("meeting", ""))
        plan.agreed_on = self.day(told["agreed"]) if "agreed" in told else None
        if meeting is not None and meeting.held_on <= self.today:
            plan.approved_on, plan.protocol = meeting.held_on, meeting.number
            chair = next(each for each in meeting.commission.members if each.role is CommissionRole.CHAIR)
            plan.approver = chair.staff
        elif "approved" in told:
            plan.approved_on = self.day(told["approved"])
        plan.status = PlanStatus[told["status"]]
        plan.cancelled_on = self.day(told["cancelled"]) if "cancelled" in told else None
        self.save(plan)
        if meeting is not None:
            held = meeting.held_on <= self.today
            self.ask(
                meeting,
                case,
                QuestionKind.APPROVE,
                f"Об утверждении плана {plan.number}",
                heard="Куратор рассказал о семье и о плане, составленном вместе с ней." if held else None,
                decision=_DECIDED if held else None,
            )

    def contacts(self, told: Mapping[str, Any], case: Case, plans: Sequence[tuple[Plan, list[str]]], end: int) -> None:
        count = told["contacts"]
        first = Contact(
            case=case,
            held_on=case.opened_on,
            kind=ContactKind.HOME,
            event="знакомство с семьёй дома",
            responsible=self.named("Куратор", case),
            result="Познакомились, рассказали о себе. Семья назвала то, что её тревожит, и подписала согласие."
            if case.consent_on
            else "Познакомились, рассказали о себе. О согласии договорились поговорить ещё раз.",
        )
        made = [first]
        days = sorted(self.chance.randrange(told["opened"] + 1, end + 1) for _ in range(count - 1))
        for turn, held_on in enumerate(map(self.day, days)):
            current = [(plan, kits) for plan, kits in plans if plan.made_on <= held_on]
            kits = current[-1][1] if current else told["kits"]
            goals = current[-1][0].goals if current else []
            index = turn % len(kits)
            work = self.kit(kits[index])["work"]
            kind, event, responsible, result = work[turn // len(kits) % len(work)]
            contact = Contact(
                case=case,
                held_on=max(held_on, case.opened_on),
                kind=ContactKind[kind],
                event=event,
                goals=[goals[index]] if goals else [],
                responsible=self.named(responsible, case),
                result=result,
            )
            if turn % 9 == 8 and goals:
                contact.kind, contact.event = ContactKind.INTERAGENCY, "встреча специалистов, которые помогают семье"
                contact.goals = list(goals)
                contact.result = (
                    "Посмотрели на план вместе: что сделано, кому что осталось. Семья была и говорила первой."
                )
            made.append(contact)
        self.save(*made)

    def monitorings(self, told: Mapping[str, Any], case: Case) -> None:
        for turn, (days, decision, conclusion) in enumerate(told.get("monitorings", ())):
            monitoring = Monitoring(
                case=case,
                held_on=self.day(days),
                decision=MonitoringDecision[decision],
                conclusion=conclusion,
            )
            for problem, name in zip(case.problems, told["kits"], strict=True):
                step = {"CLOSE": 2, "HAND_OVER": 0}.get(decision, min(turn, 2))
                result = MonitoringResult(problem=problem, result=self.kit(name)["progress"][step])
                monitoring.results.append(result)
            self.save(monitoring, *monitoring.results)

    # --- Agendas ---

    def question(self, meeting: str, family: str, kind: str, question: str, **said: str) -> None:
        self.ask(self.meetings[meeting], self.cases[family], QuestionKind[kind], question, **said)

    def ask(self, meeting: Meeting, case: Case, kind: QuestionKind, question: str, **said: str | None) -> None:
        item = AgendaItem(
            meeting=meeting, position=len(meeting.items) + 1, case=case, kind=kind, question=question, **said
        )
        self.save(item)
