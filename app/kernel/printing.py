"""Papers: plain values in, PDF or DOCX out. Knows no entity and no Flask.

A paper is a template ``<name>.html`` (PDF) and ``<name>.docx`` (Word) in ``app/*/templates``; both are filled
with the same plain values. Forms are printed in the words of the form, so papers are not translated.
Source: domain.md, section 10.
"""

from __future__ import annotations

import atexit
import datetime as dt
import io
import json
import logging
import os
import pickle
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, TypedDict

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from app.kernel.declare import N_
from app.kernel.printing_worker import FONTS, JOB, LENGTH, PDF, WORD, read

APP = Path(__file__).resolve().parents[1]
WORKERS = 2
TOO_LONG = N_("The paper takes too long to print. Choose a shorter period.")
MISFIT = N_("The template of this paper does not fit the record.")
NOT_SET = N_("The paper could not be set in pages.")
TOO_LONG_TOGETHER = N_("These papers take too long to print together. Tick fewer of them.")
log = logging.getLogger(__name__)


class PrintError(Exception):
    """A paper that could not be printed: a plain reason for the user, the detail for the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


class Signature(TypedDict):
    """A line to be signed: in what role, by whom, when. What is not known is left to be written by hand."""

    role: str
    name: str
    signed_on: dt.date | None


class Paper(TypedDict):
    """What every paper has. The footer of each page repeats the title and the number."""

    title: str
    number: str
    organisation: str


# --- Values


_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def clean(value: Any, zone: dt.tzinfo | None = None) -> Any:
    """The value without what neither XML nor a font can carry, and with moments in the reader's zone."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("", _LINE_ENDS.sub("\n", value).replace("\t", " "))
    if isinstance(value, Mapping):
        return {key: clean(item, zone) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, zone) for item in value]
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(zone)
    return value


def day(value: dt.date | None) -> str:
    """``05.03.2018``, or nothing."""
    return f"{value:%d.%m.%Y}" if value else ""


def moment(value: dt.datetime | None) -> str:
    """``05.03.2018 14:30``, or nothing."""
    return f"{value:%d.%m.%Y %H:%M}" if value else ""


def money(value: Decimal | float | None) -> str:
    """``20 600`` or ``20 600,50``: digits by three, kopecks only when there are any."""
    if value is None:
        return ""
    text = f"{Decimal(value):,.2f}".removesuffix(".00")
    return text.replace(",", "\u00a0").replace(".", ",")


def plain(value: object) -> str:
    """A value as it stands in a cell."""
    if isinstance(value, dt.datetime):
        return moment(value)
    if isinstance(value, dt.date):
        return day(value)
    return "" if value is None else str(value)


def by_lines(names: str | None) -> str:
    """Names divided by semicolons, each on a line of its own."""
    return "\n".join(name.strip() for name in (names or "").split(";"))


def dash(value: object) -> str:
    """The value, or a dash where the form would look unfinished without one."""
    text = plain(value)
    return text if text.strip() else "—"


def typed(value: object) -> object:
    """Text with the line ends its author typed; ``white-space: pre-line`` would eat spaces beside a quote."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return Markup("<br/>").join(value.split("\n"))
    return value


# --- Layout: what a table needs to go from page to page in one piece

BODY_SIZE, CELL_SIZE = 11.0, 10.5
CELL_PADDING = 9.0  # left and right, with the rule between them
PORTRAIT, LANDSCAPE = 481.9, 728.5  # width of the text in points: A4 less 25 mm and 15 mm
# xhtml2pdf shrinks a row that is taller than a page to illegible print, so a row longer than WHOLE lines is
# set in strips of STRIP lines, each a row of its own without a rule between them: the reader sees one row.
WHOLE, STRIP = 12, 6
# One long table takes quadratic time: a table of so many rows follows another, and the reader sees one table.
ROWS = 20


@cache
def _advances() -> Callable[[str], float]:
    """Widths of letters at 1 pt: those of the text face, and of the fallback face for what it lacks."""
    from reportlab.pdfbase.ttfonts import TTFontFile

    serif, fallback = (TTFontFile(str(FONTS / name)) for name in ("PTSerif-Regular.ttf", "DejaVuSans.ttf"))
    widths: dict[int, float] = {**fallback.charWidths, **serif.charWidths}
    default = float(serif.defaultWidth)
    return lambda text: sum(widths.get(ord(letter), default) for letter in text) / 1000


def line_ends(text: str, width: float, size: float = CELL_SIZE) -> list[int]:
    """Offsets at which the lines end when the text is set ragged in a column of this width."""
    advance = _advances()
    room, space = width / size, advance(" ")
    ends: list[int] = []
    used = 0.0
    for token in re.finditer(r"\n|[^ \n]+", text):
        start, word = token.start(), token[0]
        if word == "\n":
            ends.append(start)
            used = 0.0
            continue
        taken = advance(word)
        if used and used + space + taken > room:
            ends.append(start)
            used = 0.0
        if taken <= room:
            used += taken + (space if used else 0.0)
            continue
        for offset, letter in enumerate(word):  # wider than the column: broken between letters
            taken = advance(letter)
            if used + taken > room:
                ends.append(start + offset)
                used = 0.0
            used += taken
    return [*ends, len(text)]


def strips(cells: Sequence[str], widths: Sequence[float], size: float = CELL_SIZE) -> list[list[str]]:
    """The cells of a row cut into strips where their lines end, all columns at the same height.

    The cuts do not show, and nothing is lost: a column's strips, put together, are its text.
    """
    ends = [line_ends(text, width, size) for text, width in zip(cells, widths, strict=True)]
    height = max(map(len, ends))
    # A last strip of a line or two would stand alone on a page: it goes with the one before it.
    lines = [*range(STRIP, height - 2, STRIP), height] if height > WHOLE else [height]
    result: list[list[str]] = []
    above = [0] * len(ends)
    for line in lines:
        below = [column[min(line, len(column)) - 1] for column in ends]
        # A line end at a cut would be an empty line on top of the next strip.
        result.append([text[i:j].strip(" \n") for text, i, j in zip(cells, above, below, strict=True)])
        above = below
    return result


def opening(text: str, width: float = PORTRAIT, lines: int = 3) -> tuple[str, str]:
    """A paragraph in two, the first lines apart: they are kept with the heading, lest it stands alone."""
    ends = line_ends(text, width, BODY_SIZE)
    cut = ends[lines - 1] if len(ends) > 2 * lines else len(text)
    return text[:cut], text[cut:].strip(" \n")


def closing(text: str, width: float = PORTRAIT, lines: int = 3) -> tuple[str, str]:
    """A paragraph in two, the last lines apart: they are kept with the signatures, lest those stand alone."""
    ends = line_ends(text, width, BODY_SIZE)
    cut = ends[-lines - 1] if len(ends) > 2 * lines else 0
    return text[:cut], text[cut:].strip(" \n")


@dataclass(frozen=True)
class Strip:
    """A row as it is set, or a part of a longer one: its cells, or a heading across all columns."""

    cells: Sequence[str]
    heading: bool = False
    begins: bool = True
    ends: bool = True


def edges(strip: Strip) -> str:
    """The classes by which a strip gets its rules and its space above and below."""
    return f"{'begins' if strip.begins else 'goes-on'} {'ends' if strip.ends else 'to-go-on'}"


@dataclass
class Block:
    """Strips set as one table. A ``kept`` block is never broken between pages."""

    strips: list[Strip] = field(default_factory=list)
    kept: bool = False
    last: bool = False


def _row(cells: Sequence[str], widths: Sequence[float], heading: bool = False) -> list[Strip]:
    cut = strips(cells, widths)
    return [Strip(cells, heading, begins=i == 0, ends=i == len(cut) - 1) for i, cells in enumerate(cut)]


def blocks(
    sections: Iterable[Mapping[str, Any]],
    fields: Sequence[str],
    shares: Sequence[float],
    width: float = PORTRAIT,
) -> list[Block]:
    """Sections ``{heading, rows}`` as blocks: a heading keeps its first row, the last row keeps what follows.

    ``fields`` are the row's values in the order of the columns, ``shares`` the columns' widths in per cent.
    """
    widths = [width * share / 100 - CELL_PADDING for share in shares]
    result: list[Block] = []
    for section in sections:
        rows = section["rows"] or [dict.fromkeys(fields, "")]
        body = [strip for row in rows for strip in _row([plain(row[name]) for name in fields], widths)]
        # The heading is bold, which takes more room than the measure knows.
        title = _row([section["heading"]], [width * 0.9], heading=True) if section["heading"] else []
        if title[:-1]:
            result.append(Block(title[:-1]))
        rest = 0
        if title or not result:
            result.append(Block([*title[-1:], body[0]], kept=True))
            rest = 1
        result += [Block(body[i : i + ROWS]) for i in range(rest, len(body), ROWS)]
    if not result:
        result = [Block([Strip([""] * len(fields))], kept=True)]
    if not result[-1].kept:
        last = result[-1].strips.pop()
        result = [block for block in result if block.strips] + [Block([last], kept=True)]
    result[-1].last = True
    return result


# --- Templates


@cache
def _folders() -> list[Path]:
    return [APP / "kernel" / "templates", *sorted(APP.glob("*/templates"))]


def _environment(finalize: Callable[[object], object] | None = None) -> Environment:
    # A sandbox: administrators may edit the templates, and a template may not do more than fill in a form.
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_folders()),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {filter.__name__: filter for filter in (day, moment, money, dash, opening, closing, edges)}
    )
    environment.globals.update(blocks=blocks, PORTRAIT=PORTRAIT, LANDSCAPE=LANDSCAPE)
    return environment


@cache
def _html_environment() -> Environment:
    return _environment(typed)


def _misfit(error: Exception) -> PrintError:
    # A template's fault names a variable; any other message may quote the record, and a log is no place for that.
    detail = repr(error) if isinstance(error, TemplateError) else type(error).__name__
    return PrintError(MISFIT, detail)


def render_html(template: str, context: Mapping[str, object], locale: str = "ru", zone: dt.tzinfo | None = None) -> str:
    """The paper before it becomes a PDF."""
    try:
        page = _html_environment().get_template(f"{template}.html")
        return page.render(clean(context, zone), locale=locale)
    except Exception as error:
        raise _misfit(error) from error


def render_docx(
    template: str,
    context: Mapping[str, object],
    *,
    zone: dt.tzinfo | None = None,
    seconds: float = 60,
    memory_mb: int = 1024,
) -> bytes:
    """The paper as a Word document, to be edited before it is signed. Line ends typed by the user stay."""
    path = next((path for folder in _folders() if (path := folder / f"{template}.docx").is_file()), None)
    if path is None:
        raise PrintError(N_("There is no Word template for this paper."), template)
    return _printed(WORD, pickle.dumps((str(path), clean(context, zone))), MISFIT, seconds, memory_mb)


def fill_docx(path: str, values: Mapping[str, object]) -> bytes:
    """A Word template with its values. Done by the worker: a large table takes long."""
    from docxtpl import DocxTemplate

    out = io.BytesIO()
    document = DocxTemplate(path)
    document.render(values, _environment(), autoescape=True)
    document.save(out)
    return out.getvalue()


# --- PDF


def render_pdf(
    template: str,
    context: Mapping[str, object],
    *,
    locale: str = "ru",
    zone: dt.tzinfo | None = None,
    seconds: float = 60,
    memory_mb: int = 1024,
) -> bytes:
    """The paper as a PDF, made within these bounds or not at all. Moments are shown in this zone."""
    return print_html(render_html(template, context, locale, zone), seconds, memory_mb)


def render_together(
    papers: Iterable[tuple[str, str, Mapping[str, object]]],
    *,
    zone: dt.tzinfo | None = None,
    seconds: float = 60,
    memory_mb: int = 1024,
) -> bytes:
    """Several papers, each ``(title, template, values)``, in one PDF: each begins a page and counts its own.

    The time is for all of them. They are made one after another, so that memory is that of the largest.
    """
    from pypdf import PdfWriter

    together, end = PdfWriter(), monotonic() + seconds
    for title, template, context in papers:
        try:
            left = max(end - monotonic(), 0.1)
            pdf = render_pdf(template, context, zone=zone, seconds=left, memory_mb=memory_mb)
        except PrintError as error:
            if error.reason == TOO_LONG:
                raise PrintError(TOO_LONG_TOGETHER) from error
            raise
        together.append(io.BytesIO(pdf), outline_item=title, import_outline=False)
    out = io.BytesIO()
    together.write(out)
    return out.getvalue()


class _Ended(Exception):
    """The worker had just gone home: nobody had printed for a while, or it had done its share of papers."""


class _Worker:
    """A process that prints, see :mod:`app.kernel.printing_worker`."""

    def __init__(self) -> None:
        # No secret of the application goes to the worker with its environment.
        kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.kernel.printing_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=APP.parent,
            env={name: os.environ[name] for name in kept if name in os.environ},
        )

    @property
    def gone(self) -> bool:
        return self.process.poll() is not None

    def ask(self, kind: bytes, data: bytes, seconds: float, memory_mb: int) -> tuple[dict[str, Any], bytes]:
        """What the worker says of this job, and the paper."""
        jobs, answers = self.process.stdin, self.process.stdout
        assert jobs and answers
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.process.kill()

        clock = threading.Timer(seconds, stop)
        clock.daemon = True
        clock.start()
        try:
            jobs.write(JOB.pack(kind, seconds, memory_mb, len(data)) + data)
            jobs.flush()
            said, paper = (read(answers, *LENGTH.unpack(read(answers, LENGTH.size))) for _ in range(2))
        except (OSError, EOFError):
            code = self.close()
            if late.is_set():
                raise PrintError(TOO_LONG) from None
            if code == 0:
                raise _Ended from None
            raise PrintError(NOT_SET, f"exit code {code}") from None
        finally:
            clock.cancel()
        return json.loads(said), paper

    def close(self) -> int:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            with suppress(OSError):
                pipe.close()
        try:
            return self.process.wait(1)  # the pipe is closed: it ends by itself unless it is at work
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


_places: queue.LifoQueue[_Worker | None]


def _open_places() -> None:
    global _places
    _places = queue.LifoQueue()
    for _ in range(WORKERS):
        _places.put(None)


@atexit.register
def _close_places() -> None:
    while not _places.empty():
        if worker := _places.get_nowait():
            worker.close()


_open_places()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_places)  # two processes must not talk to one worker


def print_html(html: str, seconds: float = 60, memory_mb: int = 1024) -> bytes:
    """HTML as PDF."""
    return _printed(PDF, html.encode(), NOT_SET, seconds, memory_mb)


def _printed(kind: bytes, data: bytes, wrong: str, seconds: float, memory_mb: int) -> bytes:
    """A paper by a worker, or why there is none. The wait for a free worker is bounded too."""
    try:
        worker = _places.get(timeout=seconds)
    except queue.Empty:
        raise PrintError(N_("Many papers are being printed at once. Try again in a minute.")) from None
    try:
        if worker is None or worker.gone:
            worker = _Worker()
        try:
            said, paper = worker.ask(kind, data, seconds, memory_mb)
        except _Ended:
            worker = _Worker()
            said, paper = worker.ask(kind, data, seconds, memory_mb)
    finally:
        _places.put(worker)
    for warning in said["warnings"]:
        log.warning("%s", warning)
    if said["error"].startswith(("MemoryError", "RenderLimitError")):
        raise PrintError(N_("The paper is too large. Choose a shorter period."), said["error"])
    if said["error"]:
        raise PrintError(wrong, said["error"])
    return paper
