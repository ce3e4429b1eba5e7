"""Makes the Word templates of the printed forms: ``python scripts/make_docx_templates.py [FOLDER]``.

They are filled by docxtpl with the same values as the HTML templates beside them. Once made, they may be
edited in Word; running this again brings the shipped ones back.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

APP = Path(__file__).resolve().parents[1] / "app"
TYPE = "Times New Roman"  # every office has it, and it has the Kazakh letters


class Form:
    """A document with the margins, type and footer of the PDF's frame."""

    def __init__(self, landscape: bool = False) -> None:
        self.document = Document()
        section = self.document.sections[0]
        size = (Mm(297), Mm(210)) if landscape else (Mm(210), Mm(297))
        section.page_width, section.page_height = size
        section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
        section.left_margin, section.right_margin = Mm(25), Mm(15)
        section.top_margin, section.bottom_margin = Mm(20), Mm(20)
        self.width = size[0] - Mm(40)
        normal = self.document.styles["Normal"]
        normal.font.name, normal.font.size = TYPE, Pt(11)
        normal.element.rPr.rFonts.set(qn("w:cs"), TYPE)
        normal.paragraph_format.space_after = Pt(4)
        properties = self.document.core_properties
        properties.author, properties.comments, properties.title = "", "", "{{ title }}"
        self._footer(section)
        self.command("if organisation")
        self.text("{{ organisation }}", align="center")
        self.command("endif")

    def _footer(self, section: Any) -> None:
        paragraph = section.footer.paragraphs[0]
        paragraph.style = self.document.styles["Normal"]  # the footer's own has tab stops for another page
        paragraph.paragraph_format.tab_stops.add_tab_stop(self.width, WD_TAB_ALIGNMENT.RIGHT)
        paragraph.add_run("{{ title }} {{ number }}\tстр. ")
        _field(paragraph, "PAGE")
        paragraph.add_run(" из ")
        _field(paragraph, "NUMPAGES")

    # --- paragraphs

    def command(self, words: str) -> None:
        """A statement of the template on a paragraph of its own, which disappears."""
        self.document.add_paragraph("{%p " + words + " %}")

    def title(self, text: str = "{{ title }}") -> None:
        paragraph = self.text(text, bold=True, align="center")
        paragraph.runs[0].font.size = Pt(14)
        paragraph.paragraph_format.space_after = Pt(10)

    def text(self, text: str, bold: bool = False, align: str = "left", tied: bool = False) -> Any:
        paragraph = self.document.add_paragraph()
        paragraph.add_run(text).bold = bold
        paragraph.alignment = WD_ALIGN_PARAGRAPH[align.upper()]
        paragraph.paragraph_format.keep_with_next = tied
        return paragraph

    def heading(self, text: str) -> None:
        self.text(text, bold=True, tied=True).paragraph_format.space_before = Pt(8)

    def line(self, label: str, value: str, tied: bool = False) -> None:
        paragraph = self.text(label + " ", bold=True, tied=tied)
        paragraph.add_run("{{ " + value + " | dash }}")

    def each(self, what: str, text: str) -> None:
        """A paragraph for each of a list, or a dash."""
        self.command(f"for {what}")
        self.text(text)
        self.command("else")
        self.text("—")
        self.command("endfor")

    # --- tables

    def table(self, shares: Sequence[int], borders: bool = True) -> Any:
        table = self.document.add_table(rows=0, cols=len(shares))
        table.autofit = False
        if borders:
            table.style = "Table Grid"
        for column, share in zip(table.columns, shares, strict=True):
            column.width = self.width * share // 100
        return table

    def headings(self, table: Any, names: Sequence[str]) -> None:
        """The first row, repeated on every page."""
        row = self.row(table, names, bold=True, align="center")
        _set(row._tr.get_or_add_trPr(), "w:tblHeader")

    def row(
        self,
        table: Any,
        texts: Sequence[str],
        bold: bool = False,
        align: str = "left",
        tied: bool = False,
        space: float = 2,
    ) -> Any:
        row = table.add_row()
        _set(row._tr.get_or_add_trPr(), "w:cantSplit")  # unless it is taller than a page
        for cell, column, text in zip(row.cells, table.columns, texts, strict=True):
            cell.width = column.width
            paragraph = cell.paragraphs[0]
            run = paragraph.add_run(text)
            run.bold, run.font.size = bold, Pt(10.5)
            paragraph.alignment = WD_ALIGN_PARAGRAPH[align.upper()]
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(space)
            paragraph.paragraph_format.keep_with_next = tied
        return row

    def statement(self, table: Any, words: str) -> None:
        """A statement of the template on a row of its own, which disappears."""
        table.add_row().cells[0].paragraphs[0].add_run("{%tr " + words + " %}")

    def band(self, table: Any, text: str) -> None:
        """A heading across all columns, kept with the row under it."""
        row = self.row(table, [text] + [""] * (len(table.columns) - 1), bold=True, tied=True)
        shade = _set(_merged(row.cells[0], row.cells[-1])._tc.get_or_add_tcPr(), "w:shd")
        for name, value in (("val", "clear"), ("color", "auto"), ("fill", "EEEEEE")):
            shade.set(qn(f"w:{name}"), value)

    def sections(self, names: Sequence[str], shares: Sequence[int], fields: Sequence[str]) -> None:
        """Rows under the headings of their sections; the last row of a section stays with what follows it."""
        table = self.table(shares)
        cells = ["{{ row." + field + " }}" for field in fields]
        self.headings(table, names)
        self.statement(table, "for section in sections")
        self.band(table, "{{ section.heading }}")
        self.statement(table, "for row in section.rows")
        self.statement(table, "if loop.last")
        self.row(table, cells, tied=True)
        self.statement(table, "else")
        self.row(table, cells)
        self.statement(table, "endif")
        self.statement(table, "endfor")
        self.statement(table, "endfor")

    def signatures(self, of: str = "signatures") -> None:
        self.text("", tied=True)
        table = self.table((24, 22, 2, 32, 2, 18), borders=False)
        self.statement(table, f"for signature in {of}")
        texts = (
            "{{ signature.role }}",
            "",
            "",
            "{{ signature.name }}",
            "",
            "{{ signature.signed_on | day }}",
        )
        row = self.row(table, texts, tied=True, space=0)
        for number in (1, 3, 5):
            _underline(row.cells[number])
            row.cells[number].paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        under = self.row(
            table,
            ("", "(подпись)", "", "(фамилия, инициалы)", "", "(дата)"),
            align="center",
            tied=True,
            space=0,
        )
        for cell in under.cells:
            cell.paragraphs[0].paragraph_format.space_after = Pt(10)
            cell.paragraphs[0].runs[0].font.size = Pt(10)
        self.statement(table, "endfor")


def _merged(first: Any, last: Any) -> Any:
    """One cell of several, with the words of the first."""
    cell = first.merge(last)
    for empty in cell.paragraphs[1:]:
        empty._p.getparent().remove(empty._p)
    return cell


def _set(parent: Any, name: str) -> Any:
    element = OxmlElement(name)
    parent.append(element)
    return element


def _field(paragraph: Any, name: str) -> None:
    """A number that Word fills in: of the page, of the pages."""
    field = _set(paragraph._p, "w:fldSimple")
    field.set(qn("w:instr"), name)
    _set(_set(field, "w:r"), "w:t").text = "1"


def _underline(cell: Any) -> None:
    line = _set(_set(cell._tc.get_or_add_tcPr(), "w:tcBorders"), "w:bottom")
    for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", "000000")):
        line.set(qn(f"w:{name}"), value)


# --- The forms. Labels are the form's own, as in the HTML templates.


def risk() -> Form:
    form = Form()
    form.title()
    form.text("{{ number }}", align="center")
    form.line("Ф.И.О. ребенка:", "child")
    form.line("Семья:", "family")
    form.line("Дата:", "assessed_on")
    table = form.table((6, 58, 12, 12, 12))
    first = form.row(table, ("", "Факторы", "Риски", "", ""), bold=True, align="center")
    second = form.row(table, ("", "", "Высокий", "Средний", "Низкий"), bold=True, align="center")
    _merged(first.cells[0], second.cells[0])
    _merged(first.cells[1], second.cells[1])
    _merged(first.cells[2], first.cells[4])
    for row in (first, second):
        _set(row._tr.get_or_add_trPr(), "w:tblHeader")
    form.statement(table, "for row in rows")
    row = form.row(table, ("{{ row.number }}", "{{ row.text }}", "{{ row.high }}", "{{ row.medium }}", "{{ row.low }}"))
    for cell in row.cells[2:]:
        cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
    form.statement(table, "endfor")
    form.command("if criteria")
    form.heading("Критерии оценки.")
    form.command("for group in criteria")
    form.command("if group.heading")
    form.heading("{{ group.heading }}")
    form.command("endif")
    form.command("for each in group.lines")
    form.text("{{ each }}").paragraph_format.space_after = Pt(0)
    form.command("endfor")
    form.command("endfor")
    form.command("endif")
    form.text("")
    form.line("Предложенный уровень риска:", "proposed", tied=True)
    form.line("Уровень риска:", "level", tied=True)
    form.command("if reason")
    form.line("Обоснование:", "reason", tied=True)
    form.command("endif")
    form.signatures()
    return form


def social_card() -> Form:
    form = Form()
    form.title()
    form.text("{{ number }}", align="center")
    form.line("ФИО ребенка:", "child")
    form.line("Дата рождения:", "born_on")
    form.line("Адрес регистрации:", "registered_address")
    form.line("Адрес фактического проживания:", "address")
    form.line("Диагноз, когда установлен, обстоятельства:", "diagnosis")
    form.heading("Семья:")
    form.command("for parent in parents")
    form.line("{{ parent.kinship }} (ФИО, дата рождения, контакты, место работы, образование):", "parent.text")
    form.command("endfor")
    form.heading("Другие члены семьи, контакты")
    form.each(
        "relative in relatives",
        "{{ loop.index }}. {{ relative.text }}{% if relative.kinship %} ({{ relative.kinship }}){% endif %}",
    )
    form.heading("Проблемы, требующие решения:")
    form.each("problem in problems", "{{ problem.number }}. {{ problem.text }}")
    form.line(
        "Поликлиника по месту жительства (адрес, телефон регистратуры, стола справок, "
        "участковый терапевт (ФИО), заведующая поликлиникой (ФИО), телефон заведующей):",
        "clinic",
    )
    form.line("ДОУ, школа (номер, класс/группа, ФИО воспитателя/учителя):", "education")
    form.line("Дополнительное образование (если есть):", "extra_education")
    incomes = form.text("Доходы со слов родителей: ", bold=True)
    incomes.add_run(
        "{% if incomes %}{{ income | money }} рублей в месяц ({% for line in incomes %}"
        "{{ line.amount | money }} {{ line.source }}{% if not loop.last %} + {% endif %}"
        "{% endfor %}){% else %}—{% endif %}"
    )
    form.line("Условия проживания:", "living_conditions")
    form.line("Дополнительная информация:", "notes", tied=True)
    form.signatures()
    return form


def consent() -> Form:
    form = Form()
    form.command("for consent in consents")
    form.command("if not loop.first")
    form.text("{{ organisation }}", align="center").paragraph_format.page_break_before = True
    form.command("endif")
    for words in (
        "{% if addressee %}{{ addressee }}\n{% endif %}{{ consent.sender }}",
        "Адрес: {{ address or '_' * 34 }}",
        "Документ, удостоверяющий личность:\n{{ '_' * 41 }}\n{{ '_' * 41 }}",
    ):
        form.text(words).paragraph_format.left_indent = form.width * 45 // 100
    form.title()
    form.text(
        "Я, {{ consent.parent or '_' * 50 }}, даю согласие на обработку моих персональных данных и персональных "
        "данных {{ children }}, чьим законным представителем я являюсь."
    )
    form.line("Кто обрабатывает:", "organisation")
    for label, words in CONSENT:
        form.text(label + " ", bold=True).add_run(words)
    form.text(
        "Мне рассказали, зачем нужны эти данные, кто их увидит и что отказ не лишает семью помощи, которая положена "
        "ей по закону.",
        tied=True,
    )
    form.signatures("consent.signatures")
    form.command("endfor")
    return form


def farewell() -> Form:
    form = Form()
    form.title()
    form.text("Сопровождение семьи {{ family }} шло с {{ opened_on }} по {{ closed_on or '_' * 12 }} и завершено.")
    form.command("if achieved")
    form.line("Чего вы добились:", "achieved")
    form.command("endif")
    form.command("if follow_up")
    form.text("Мы ещё будем на связи: ", bold=True).add_run(
        "{{ follow_up }} специалист позвонит или придёт, чтобы узнать, как дела."
    )
    form.command("endif")
    form.text("Если станет трудно, ", bold=True).add_run(
        "не ждите, пока будет хуже: позвоните или приходите. Рассказывать всё сначала не придётся, а помощь можно "
        "получить снова."
    )
    form.text("Куда обратиться: ", bold=True).add_run("{{ where or '_' * 50 }}")
    form.text("Кого спросить: ", bold=True).add_run("{{ who or '_' * 50 }}")
    form.text("Если ребёнку или вам угрожает опасность, ", bold=True).add_run("звоните сразу: 112.")
    return form


CONSENT = (
    (
        "Зачем:",
        "социальное сопровождение семьи {{ family }}.",
    ),
    (
        "Какие данные:",
        "фамилия, имя, отчество, дата рождения, адрес, телефон, состав семьи и родство, место работы и учёбы, "
        "доходы, условия проживания, состояние здоровья и диагноз, полученная помощь.",
    ),
    (
        "Что с ними можно делать:",
        "сбор, запись, хранение, уточнение, использование, обезличивание и удаление, с помощью компьютера и "
        "на бумаге; передача органам и организациям, которые вместе помогают семье, — только то, что нужно "
        "для этой помощи.",
    ),
    (
        "На какой срок:",
        "до закрытия случая и окончания срока, в течение которого положено хранить его документы. Согласие "
        "можно отозвать в любой день, написав об этом в организацию: обработка прекращается, кроме того, что "
        "обязывает хранить закон.",
    ),
)


def plan() -> Form:
    form = Form()
    form.title()
    form.text("{{ number }}{% if made_on %} от {{ made_on | day }}{% endif %}", align="center")
    form.line("Ф.И.О. ребенка:", "child")
    form.line("Дата рождения:", "born_on")
    form.heading("Состав семьи: Ф.И.О., год рождения, характер родства:")
    form.each("member in members", "{{ loop.index }}. {{ member }}")
    form.line("Природа проблемы:", "nature")
    form.line("Основная цель работы:", "main_goal")
    form.heading("Промежуточные цели работы:")
    form.each("goal in goals", "{{ goal }}")
    form.command("if until")
    form.text("Срок действия: до {{ until | day }}")
    form.command("endif")
    form.heading("План совместных действий с родителями:")
    form.sections(
        ("Действия родителей", "Действия специалистов", "Срок выполнения/ Ответственный"),
        (36, 36, 28),
        ("parents", "specialists", "term"),
    )
    form.command("if protocol")
    approved = form.text(
        "Утверждён: протокол № {{ protocol }}{% if approved_on %} от {{ approved_on | day }}{% endif %}",
        tied=True,
    )
    approved.paragraph_format.space_before = Pt(8)
    form.command("endif")
    form.signatures()
    return form


def work_journal() -> Form:
    form = Form()
    form.title()
    form.line("Ф.И.О. ребенка:", "child")
    form.line("Основная цель работы со случаем:", "main_goal")
    form.sections(
        ("Мероприятия", "Ответственный", "Отметка о выполнении"),
        (32, 25, 43),
        ("event", "responsible", "result"),
    )
    form.signatures()
    return form


def monitoring() -> Form:
    form = Form()
    form.title()
    form.line("Семья:", "family")
    form.heading("Результат проделанной работы:")
    form.command("for result in results")
    form.heading("{{ result.number }}. {{ result.problem }}")
    form.text("{{ result.result | dash }}")
    form.command("else")
    form.text("—")
    form.command("endfor")
    form.line("Решение:", "decision", tied=True)
    form.line("Заключение:", "conclusion", tied=True)
    form.signatures()
    return form


def signal_journal() -> Form:
    form = Form(landscape=True)
    form.title()
    form.command("if since")
    form.text("с {{ since | day }} по {{ until | day }}", align="center")
    form.command("endif")
    table = form.table((10, 11, 18, 29, 9, 23))
    form.headings(table, ("№", "Дата и время", "От кого поступил", "Содержание", "Степень риска", "{{ outcome }}"))
    form.statement(table, "for row in rows")
    names = ("number", "received_at | moment", "source", "content", "risk", "decision")
    form.row(table, ["{{ row." + name + " }}" for name in names])
    form.statement(table, "endfor")
    return form


def protocol() -> Form:
    form = Form()
    form.title("{{ title }} {{ number }}")
    form.text("{{ commission }}", align="center")
    place = form.text("{{ place }}\t{{ held_on | day }}")
    place.paragraph_format.tab_stops.add_tab_stop(form.width, WD_TAB_ALIGNMENT.RIGHT)
    form.heading("Присутствовали:")
    form.each("participant in participants", "{{ loop.index }}. {{ participant }}")
    form.heading("Повестка дня:")
    form.each(
        "question in questions",
        "{{ question.number }}. {{ question.question }}{% if question.case %} ({{ question.case }}){% endif %}",
    )
    form.command("for question in questions")
    form.heading("{{ question.number }}. {{ question.question }}")
    form.line("СЛУШАЛИ:", "question.heard")
    form.command("if question.discussed")
    form.line("ВЫСТУПИЛИ:", "question.discussed")
    form.command("endif")
    form.line("РЕШИЛИ:", "question.decided")
    form.command("endfor")
    form.line("Дата следующего заседания:", "next_on", tied=True)
    form.signatures()
    return form


FORMS: dict[str, Callable[[], Form]] = {
    "risks/templates/print/risk": risk,
    "cases/templates/print/social_card": social_card,
    "cases/templates/print/consent": consent,
    "cases/templates/print/farewell": farewell,
    "plans/templates/print/plan": plan,
    "journal/templates/print/work_journal": work_journal,
    "journal/templates/print/monitoring": monitoring,
    "signals/templates/print/signal_journal": signal_journal,
    "meetings/templates/print/protocol": protocol,
}


def saved(form: Form) -> bytes:
    """The document's bytes, the same at every run: a ZIP remembers the hour otherwise."""
    made, out = io.BytesIO(), io.BytesIO()
    form.document.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, (2018, 1, 1, 0, 0, 0)), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def main(folder: Path = APP) -> None:
    for name, make in FORMS.items():
        path = folder / f"{name}.docx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(saved(make()))
        print(path)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
