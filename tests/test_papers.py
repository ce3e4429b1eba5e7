"""The printed forms: what stands in them, how they go from page to page, and how records become papers.

Source: domain.md, section 10.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from docx import Document
from sqlalchemy import select

from app.cases.models import Case
from app.journal.case_workbook import import_case
from app.journal.models import Contact, Monitoring
from app.kernel.printing import render_docx, render_pdf
from app.meetings.models import AgendaItem, Commission, CommissionMember, CommissionRole, Meeting
from app.plans.models import Goal, Plan
from app.presets import load_presets
from app.risks.models import FactorSet, RiskAssessment, RiskLevel
from app.signals.models import Signal, SignalSource
from app.territory.models import Organisation, Staff
from tests import pdf, plain
from tests.pdf import needs_poppler
from tests.workbooks import ACTIVITIES, as_file, full

DAY = dt.date(2018, 3, 5)
CHILD = "Әбдіғалиева Үміт Һамитқызы"
SENTENCE = 'Беседа с "мамой" о <b>возможности</b> «получить» услугу & помощь'


def signature(role, name="Сидорова А. П."):
    return {"role": role, "name": name, "signed_on": None}


class Samples:
    """A paper of each form, with a marker of its own in every sentence that a user could have typed."""

    def __init__(self, sentences=2, rows=3):
        self.numbers = count(1)
        self.sentences, self.rows = sentences, rows
        self.marks = []

    def mark(self):
        self.marks.append(f"М{next(self.numbers):04}.")
        return self.marks[-1]

    def text(self):
        return "\n".join(f"{SENTENCE} {self.mark()}" for _ in range(self.sentences))

    def paper(self, title, **values):
        issuer = "Общественное объединение «Отбасы — бақыт мекені»"
        return {"title": title, "number": "№ И-2018/01", "organisation": issuer, **values}

    def table(self, *fields, sections=3):
        rows = range(self.rows)
        return [
            {
                "heading": f"Цель {n} {self.mark()}",
                "rows": [{name: self.text() for name in fields} for _ in rows],
            }
            for n in range(1, sections + 1)
        ]

    def plan(self):
        return self.paper(
            "План сопровождения семьи",
            made_on=DAY,
            child=CHILD,
            born_on=DAY,
            members=[f"Член семьи {self.mark()}" for _ in range(3)],
            nature=self.text(),
            main_goal=self.text(),
            goals=[self.text() for _ in range(3)],
            sections=self.table("parents", "specialists", "term"),
            until=dt.date(2018, 12, 31),
            protocol="7",
            approved_on=DAY,
            signatures=[signature("Родители"), signature("Куратор"), signature("Утвердил")],
        )

    def work_journal(self):
        return self.paper(
            "План социально-реабилитационной работы с семьей",
            child=CHILD,
            main_goal=self.text(),
            sections=self.table("event", "responsible", "result"),
            signatures=[signature("Куратор")],
        )

    def monitoring(self):
        results = [{"number": n, "problem": self.text(), "result": self.text()} for n in range(1, self.rows + 1)]
        return self.paper(
            "Мониторинг 05.03.2018 г.",
            family="Образцовы",
            held_on=DAY,
            results=results,
            decision="Корректировка плана и продолжение работы",
            conclusion=self.text(),
            signatures=[signature("Куратор")],
        )

    def social_card(self):
        return self.paper(
            "Социальная карта",
            child=CHILD,
            born_on=DAY,
            registered_address=self.text(),
            address=self.text(),
            diagnosis=self.text(),
            parents=[{"kinship": "Мама", "text": self.text()}, {"kinship": "Папа", "text": ""}],
            relatives=[{"kinship": "бабушка", "text": self.text()} for _ in range(self.rows)],
            problems=[{"number": n, "text": self.text()} for n in range(1, self.rows + 1)],
            clinic=self.text(),
            education=self.text(),
            extra_education=self.text(),
            incomes=[
                {"source": "пенсия", "amount": Decimal(10000)},
                {"source": "пособие", "amount": Decimal("680.5")},
            ],
            income=Decimal("10680.50"),
            living_conditions=self.text(),
            notes=self.text(),
            signatures=[signature("Куратор")],
        )

    def consent(self):
        return self.paper(
            "Согласие на обработку персональных данных",
            addressee=f"Куратору случая {self.mark()}",
            family=f"Образцовых {self.mark()}",
            children=f"ребёнка {CHILD} {self.mark()}",
            consents=[
                {"parent": f"Образцова {name}", "sender": f"от {name}", "signatures": [signature("Родитель", name)]}
                for name in ("Первой", "Второй")
            ],
            address=self.text(),
        )

    def risk(self):
        rows = [
            {"number": f"{n}.", "text": self.text(), "high": "+", "medium": "", "low": ""}
            for n in range(1, self.rows + 1)
        ]
        return self.paper(
            "Оценка группы риска",
            child=CHILD,
            family="Образцовы",
            assessed_on=DAY,
            rows=rows,
            criteria=[{"heading": "Высокая группа риска:", "lines": [self.mark() for _ in range(4)]}],
            proposed="Высокий",
            level="Средний",
            reason=self.text(),
            signatures=[signature("Специалист")],
        )

    def signal_journal(self):
        received = dt.datetime(2018, 3, 5, 9, 30, tzinfo=dt.UTC)
        rows = [
            {
                "number": f"С-2018/{n:03}",
                "received_at": received,
                "source": self.text(),
                "content": self.text(),
                "risk": "Высокий",
                "decision": self.text(),
            }
            for n in range(1, self.rows + 1)
        ]
        return self.paper("Журнал сигналов", since=received, until=received, outcome="Решение", rows=rows)

    def farewell(self):
        days = {"opened_on": "01.05.2018", "closed_on": "01.05.2019", "follow_up": "3 мес. после закрытия"}
        told = {"achieved": self.text(), "where": self.text(), "who": self.text()}
        return self.paper("Если снова понадобится помощь", family="Образцовых", **days, **told)

    def protocol(self):
        questions = [
            {
                "number": n,
                "question": self.text(),
                "case": "семья Образцовы, дело № И-2018/01",
                "heard": self.text(),
                "discussed": self.text(),
                "decided": self.text(),
            }
            for n in range(1, self.rows + 1)
        ]
        return self.paper(
            "Протокол заседания",
            commission="Межведомственная рабочая группа",
            held_on=DAY,
            place="г. Петропавл",
            participants=[f"Участник {self.mark()}" for _ in range(4)],
            questions=questions,
            next_on=dt.date(2018, 4, 5),
            signatures=[signature("Председатель"), signature("Секретарь")],
        )


FORMS = (
    "plan", "work_journal", "monitoring", "social_card", "consent", "risk", "signal_journal", "protocol", "farewell",
)  # fmt: skip
TABLES = {
    "plan": "Действия специалистов",
    "work_journal": "Отметка о выполнении",
    "signal_journal": "От кого поступил",
    "risk": "Факторы",
}
forms = pytest.mark.parametrize("form", FORMS)


def sample(form, **size):
    samples = Samples(**size)
    return samples, getattr(samples, form)()


def docx_text(made):
    """The words of a Word document, tables and footer included, as its reader meets them."""
    document = Document(io.BytesIO(made))
    parts = [document.element.body, document.sections[0].footer._element]
    between = {"br": "\n", "p": "\n", "tab": "\t"}
    nodes = [node for part in parts for node in part.xpath(".//w:t | .//w:br | .//w:p | .//w:r/w:tab")]
    return "".join(between.get(node.tag.partition("}")[2], node.text or "") for node in nodes)


def squeezed(text):
    return re.sub(r"\s", "", text)


# --- Every form


@needs_poppler
@forms
@pytest.mark.parametrize("size", [{"sentences": 1, "rows": 1}, {"sentences": 3, "rows": 9}], ids=["short", "long"])
def test_pdf_holds_every_word_on_sound_pages(form, size, caplog):
    samples, values = sample(form, **size)
    made = render_pdf(f"print/{form}", values)
    found = pdf.text(made)
    assert set(re.findall(r"М\d{4}\.", found)) == set(samples.marks)
    assert form in TABLES or any(f"{SENTENCE} {mark}" in found for mark in samples.marks)
    assert "Отбасы — бақыт мекені" in found
    assert CHILD in found or "child" not in values
    assert [name for name, embedded in pdf.fonts(made).items() if not embedded] == ["Helvetica"]
    assert not caplog.records

    pages = pdf.pages(made)
    for number, page in enumerate(pages, 1):
        assert f"стр. {number} из {len(pages)}" in page
        assert f"{values['title']} {values['number']}" in re.sub(" +", " ", page)
    if form in TABLES:
        assert set("".join(str(page.count(TABLES[form])) for page in pages).lstrip("0")) == {"1"}

    width = 841.9 if form == "signal_journal" else 595.3
    for words in pdf.words(made):
        for word in words:
            assert word.height >= 10, word
            assert word.left >= 25 / 25.4 * 72 - 1 and word.right <= width - 15 / 25.4 * 72 + 1, word
            assert word.bottom <= (595.3 if width > 800 else 841.9) - 20, word


@forms
def test_docx_holds_every_word(form):
    samples, values = sample(form)
    found = docx_text(render_docx(f"print/{form}", values))
    assert set(re.findall(r"М\d{4}\.", found)) == set(samples.marks)
    # Line ends that the user typed are line ends on paper.
    first, second = samples.marks[-2:]
    assert f"{first}\n{SENTENCE} {second}" in found or form == "protocol"
    assert values["title"] in found and values["number"] in found
    assert "{{" not in found and "{%" not in found


@needs_poppler
@forms
def test_pdf_and_docx_say_the_same(form):
    _, values = sample(form)
    in_pdf = set(pdf.text(render_pdf(f"print/{form}", values)).split())
    in_docx = set(docx_text(render_docx(f"print/{form}", values)).split())
    # Page numbers, and words that the PDF broke for want of room, are the page's own.
    differ = {word for word in in_pdf ^ in_docx if not word.isdigit() and len(word) > 1}
    together = squeezed("".join(in_pdf)), squeezed("".join(in_docx))
    assert not {word for word in differ if word not in together[0] or word not in together[1]}


@needs_poppler
@forms
def test_an_empty_form_prints(form):
    _, values = sample(form)
    empty = {
        name: "" if isinstance(value, str) else [] if isinstance(value, list) else None
        for name, value in values.items()
    }
    empty |= {"title": values["title"], "income": Decimal(0)}
    assert values["title"] in pdf.text(render_pdf(f"print/{form}", empty))
    assert values["title"] in docx_text(render_docx(f"print/{form}", empty))


@needs_poppler
def test_line_ends_typed_by_the_user_stay():
    _, values = sample("monitoring")
    values["results"] = [{"number": 1, "problem": "Проблема", "result": "Первое\n- второе\n\n- третье"}]
    lines = [line.strip() for line in pdf.pages(render_pdf("print/monitoring", values))[0].splitlines()]
    assert {"Первое", "- второе", "- третье"} <= set(lines)


@needs_poppler
@pytest.mark.parametrize("form", ["monitoring", "social_card", "protocol", "risk"])
def test_signatures_follow_the_last_words_at_every_length(form):
    """A paper ends wherever it ends: the page with the signatures has words of the paper above them."""
    last = {"monitoring": "conclusion", "social_card": "notes", "protocol": "place", "risk": "reason"}[form]
    for lines in (*range(1, 60, 7), 300):
        _, values = sample(form, sentences=1, rows=1)
        values[last] = "\n".join(f"слова {n}" for n in range(lines))
        *_, page = pdf.pages(render_pdf(f"print/{form}", values))
        before = page.partition(values["signatures"][0]["role"])[0]
        assert len(before.split()) >= 2, (form, lines)


# --- The plan from page to page


@needs_poppler
def test_headings_and_signatures_never_stand_alone():
    """Forty lengths of a plan: each heading has a row under it, the signatures a row above them."""

    def plan(length):
        _, values = sample("plan", sentences=1, rows=0)
        values["sections"] = [
            {
                "heading": f"ЗАГОЛОВОК-{n}",
                "rows": [
                    {"parents": f"РЯД-{n}-{row}", "specialists": "Беседа " * (row % 13 * 3), "term": "Март"}
                    for row in range(max(1, (length + n) // 3))
                ],
            }
            for n in (1, 2, 3)
        ]
        return values

    plans = [plan(length) for length in range(1, 41)]
    with ThreadPoolExecutor(2) as pool:
        printed = list(pool.map(partial(render_pdf, "print/plan"), plans))
    for length, (values, made) in enumerate(zip(plans, printed, strict=True), 1):
        pages = pdf.pages(made)
        assert sum(page.count("РЯД-") for page in pages) == sum(len(part["rows"]) for part in values["sections"])
        for page in pages:
            for heading in re.finditer("ЗАГОЛОВОК-", page):
                assert "РЯД-" in page[heading.end() :].partition("ЗАГОЛОВОК-")[0], length
            if "ЗАГОЛОВОК" in page or "РЯД" in page:
                assert page.count("Действия специалистов") == 1
        signed = [page for page in pages if "(подпись)" in page]
        assert len(signed) == 1 and signed[0].count("(подпись)") == 3
        assert "РЯД-" in signed[0].partition("(подпись)")[0], length


@needs_poppler
def test_a_heading_longer_than_a_page_goes_on():
    samples, values = sample("plan")
    values["sections"][1]["heading"] += " ".join(f"{SENTENCE} {samples.mark()}" for _ in range(150))
    made = render_pdf("print/plan", values)
    assert set(re.findall(r"М\d{4}\.", pdf.text(made))) == set(samples.marks)
    assert all(word.height >= 10 for page in pdf.words(made) for word in page)


@needs_poppler
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_row_longer_than_a_page_goes_on(place):
    samples, values = sample("plan", sentences=1, rows=4)
    section = values["sections"][{"first": 0, "middle": 1, "last": -1}[place]]
    row = section["rows"][{"first": 0, "middle": 2, "last": -1}[place]]
    row["specialists"] += " ".join(f"{SENTENCE} {samples.mark()}" for _ in range(300))
    assert len(row["specialists"]) > 20_000
    made = render_pdf("print/plan", values)
    found = re.findall(r"М\d{4}\.", pdf.text(made))
    assert set(found) == set(samples.marks)
    assert all(word.height >= 10 for page in pdf.words(made) for word in page)
    assert "(подпись)" in pdf.pages(made)[-1]


# --- From records


@pytest.fixture(scope="module")
def db():
    """A case of full size, with everything else that prints."""
    with plain.database() as session:
        load_presets(session)
        organisation = Organisation(name="Фонд «Рядом»", full_name="Благотворительный фонд «Рядом»")
        curator = Staff(name="Сидорова Анна Петровна", organisation=organisation)
        chair = Staff(name="Петрова Клара Николаевна", organisation=organisation)
        session.add_all([organisation, curator, chair])
        session.commit()
        import_case(session, as_file(full()), organisation=organisation, curator=curator)
        case = session.scalars(select(Case)).one()
        child = next(member for member in case.family.members if member.role.name == "CHILD")
        child.name = CHILD

        plan = session.scalars(select(Plan)).one()
        plan.protocol, plan.approved_on, plan.approver = "7", DAY, chair

        factors = session.scalars(select(FactorSet).where(FactorSet.name.contains("Искорка"))).one()
        chosen = [factor for factor in factors.factors if factor.number in ("1", "3.2", "6.1")]
        session.add(RiskAssessment(family=case.family, assessed_on=DAY, factor_set=factors, factors=chosen,
                                   proposed=RiskLevel.HIGH, level=RiskLevel.MEDIUM, reason="Мама справляется",
                                   staff=curator))  # fmt: skip
        for number in (1, 2):
            session.add(Signal(number=f"С-2018/{number:03}", content=f"Сообщение {number}",
                               organisation=organisation,
                               received_at=dt.datetime(2018, 3, number, 6, 30, tzinfo=dt.UTC),
                               source=SignalSource.HEALTH, reporter="участковый врач",
                               risk=RiskLevel.HIGH))  # fmt: skip
        commission = Commission(name="Рабочая группа", organisation=organisation)
        commission.members = [
            CommissionMember(staff=curator, role=CommissionRole.CHAIR, until=dt.date(2018, 1, 1)),
            CommissionMember(staff=chair, role=CommissionRole.CHAIR, since=dt.date(2018, 1, 2)),
        ]
        meeting = Meeting(commission=commission, number="7", held_on=DAY, participants="Первый\n\nВторая\n")
        meeting.items = [AgendaItem(case=case, position=1, question="Утверждение плана", decision="Утвердить")]
        session.add_all([commission, meeting])
        session.commit()
        yield session


def paper_of(db, entity, key):
    """What the record's declaration says, done as the screens do it."""
    admin = entity.__admin__
    paper, subject = (
        (admin.prints[key], db.scalars(select(entity)).first())
        if key in admin.prints
        else (admin.lists[key], db.scalars(select(entity)).all())
    )
    module, _, function = paper.build.partition(":")
    return paper.template, getattr(import_module(module), function)(subject)


@needs_poppler
@pytest.mark.parametrize(
    ("entity", "key", "words"),
    [
        (
            Plan,
            "plan",
            ("План сопровождения семьи", "Соснова Ирина (мама)", "Утверждён: протокол № 7 от 05.03.2018"),
        ),
        (
            Case,
            "social-card",
            ("Социальная карта", "20 600 рублей в месяц", "Соснова Вера, 01.05.1955 (бабушка)"),
        ),
        (
            Case,
            "consent",
            ("Куратору случая Сидоровой Анне Петровне", "от Сосновой Ирины", "семьи Сосновых", "г. р., чьим"),
        ),
        (
            Case,
            "journal",
            ("План социально-реабилитационной работы с семьей", "Промежуточная цель № 6 (Цель 6"),
        ),
        (Case, "farewell", ("Если снова понадобится помощь", "Куда обратиться:", "112")),
        (Monitoring, "monitoring", ("Результат проделанной работы:", "6. Трудность 6")),
        (
            RiskAssessment,
            "risk",
            (
                "№ 1 от",
                "Уровень риска: Средний",
                "Обоснование: Мама справляется",
                "3. Диагноз",
                "Критерии оценки.",
                "Сельская местность (ФАП).",
                "Низкая группа риска:",
                "Дети, закончившие лечение более 5 лет назад.",
            ),
        ),
        (Signal, "journal", ("Журнал сигналов", "с 01.03.2018 по 02.03.2018", "01.03.2018 11:30", "Решение")),
        (Signal, "visitors", ("Журнал регистрации посетителей", "Какая помощь оказана")),
        (Signal, "unconfirmed", ("Журнал «Неподтверждённые обращения за помощью»", "Что установлено")),
        (
            Meeting,
            "protocol",
            ("Протокол заседания № 7", "2. Вторая", "Председатель", "Петрова Клара Николаевна"),
        ),
    ],
)
def test_records_become_papers(db, entity, key, words):
    template, values = paper_of(db, entity, key)
    zone = ZoneInfo("Asia/Yekaterinburg")
    in_pdf = pdf.text(render_pdf(template, values, zone=zone)).replace("\u00a0", " ")
    in_docx = docx_text(render_docx(template, values, zone=zone)).replace("\u00a0", " ")
    for word in words:
        assert word in in_pdf
        assert squeezed(word) in squeezed(in_docx)
    if key != "protocol":
        assert "Благотворительный фонд «Рядом»" in in_pdf
    if "child" in values:
        assert CHILD in in_pdf


def test_the_plan_has_all_its_rows_in_the_words_of_the_plan(db):
    _, values = paper_of(db, Plan, "plan")
    assert [len(section["rows"]) for section in values["sections"]] == list(ACTIVITIES)
    assert values["sections"][0]["rows"][0]["term"].endswith("Март")
    assert [signature["role"] for signature in values["signatures"]] == ["Родители", "Куратор", "Утвердил"]


def test_a_meeting_under_five_goals_is_printed_under_each(db):
    _, values = paper_of(db, Case, "journal")
    assert sum(len(section["rows"]) for section in values["sections"]) == 108
    shared = [row for section in values["sections"] for row in section["rows"]]
    assert max(shared.count(row) for row in shared) == 5


def test_the_journal_keeps_to_the_goals_of_all_versions(db):
    first = db.scalars(select(Plan)).one()
    with db.begin_nested() as trial:
        second = Plan(case=first.case, edition=2, number="новый", main_goal="Новая цель")
        second.goals = [
            Goal(number=1, text=first.goals[0].text),
            Goal(number=2, text="Вторая по-новому"),
        ]
        added = Contact(case=first.case, held_on=DAY, event="новая встреча", goals=[second.goals[0]])
        loose = Contact(case=first.case, held_on=DAY, event="без цели")
        db.add_all([second, added, loose])
        db.flush()
        _, values = paper_of(db, Case, "journal")
        trial.rollback()
    assert values["main_goal"] == "Новая цель"
    # The goal of both versions, the second's own though nothing was done for it, and the first's others.
    assert len(values["sections"]) == 1 + 1 + 5 + 1
    assert any("новая встреча" in row["event"] for row in values["sections"][0]["rows"])
    assert values["sections"][-1]["heading"] == "Другие мероприятия"
    assert [row["event"] for row in values["sections"][-1]["rows"]] == ["05.03.2018 г. – без цели"]


def test_the_matrix_of_risk_is_the_forms(db):
    _, values = paper_of(db, RiskAssessment, "risk")
    rows = {(row["number"] or row["text"].split()[0]): row for row in values["rows"]}
    assert list(rows) == [
        "1.", "2.", "3.", "3.1.", "3.2.", "3.3.", "4.", "4.1.", "4.2.", "5.", "5.1.", "5.2.", "5.3.",
        "6.", "6.1.", "6.2.", "6.3.", "6.4.", "7.", "8.",
    ]  # fmt: skip
    marked = {key: (row["high"], row["medium"], row["low"]) for key, row in rows.items() if "+" in row.values()}
    assert marked == {"1.": ("+", "", ""), "3.2.": ("", "+", ""), "6.1.": ("", "", "+")}


def test_shipped_word_templates_are_those_of_the_script(tmp_path):
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, root / "scripts" / "make_docx_templates.py", tmp_path], check=True)
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*.docx")}
    assert len(made) == len(FORMS)
    for name, path in made.items():
        # The words, not the bytes: what packs them differs from one system to another.
        assert docx_text((root / "app" / name).read_bytes()) == docx_text(path.read_bytes()), name
