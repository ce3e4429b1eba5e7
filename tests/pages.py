"""Pages as a browser understands them: what their form would post, and what stands in their table."""

from __future__ import annotations

from html.parser import HTMLParser

from werkzeug.datastructures import MultiDict

_EMPTY = {"input", "meta", "link", "br", "img", "use", "hr"}


class _Form(HTMLParser):
    """The pairs that the form of a class would post, were it sent as it is."""

    def __init__(self, class_: str) -> None:
        super().__init__()
        self.class_, self.pairs = class_, MultiDict[str, str]()
        self.open: list[tuple[str, bool]] = []  # elements, and whether what is in them is out of play
        self.inside = False
        self.select: tuple[str, bool, list[str], list[str]] | None = None  # name, multiple, all values, chosen ones
        self.area: tuple[str, list[str]] | None = None

    @property
    def out_of_play(self) -> bool:
        return not self.inside or any(dead for _tag, dead in self.open)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self.inside = self.class_ in (given.get("class") or "").split()
        if tag not in _EMPTY:
            self.open.append((tag, tag == "template" or (tag == "fieldset" and "disabled" in given)))
        name, value = given.get("name") or "", given.get("value")
        if self.out_of_play or "disabled" in given:
            return
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind in ("checkbox", "radio"):
                if "checked" in given:
                    self.pairs.add(name, "on" if value is None else value)
            elif kind not in ("submit", "button", "file"):
                self.pairs.add(name, value or "")
        elif tag == "select" and name:
            self.select = name, "multiple" in given, [], []
        elif tag == "option" and self.select is not None:
            self.select[2].append(value or "")
            if "selected" in given:
                self.select[3].append(value or "")
        elif tag == "textarea" and name:
            self.area = name, []

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select is not None:
            name, multiple, every, chosen = self.select
            for value in chosen or ([] if multiple else every[:1]):
                self.pairs.add(name, value)
            self.select = None
        elif tag == "textarea" and self.area is not None:
            name, parts = self.area
            self.pairs.add(name, "".join(parts).removeprefix("\n"))
            self.area = None
        while tag not in _EMPTY and self.open and self.open.pop()[0] != tag:
            pass
        if tag == "form":
            self.inside = False


def form(page: str, class_: str = "record-form") -> MultiDict[str, str]:
    """What the page's form would post, had nothing been touched."""
    reader = _Form(class_)
    reader.feed(page)
    return reader.pairs


class _Table(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = self.in_cell = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "table" and "list" in (dict(attributes).get("class") or "").split():
            self.inside = True
        elif self.inside and tag == "tr":
            self.rows.append([])
        elif self.inside and tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")
        self.inside = self.inside and tag != "table"


def table(page: str) -> list[list[str]]:
    """The rows of the page's list, its headings first, as texts."""
    reader = _Table()
    reader.feed(page)
    return [[" ".join(cell.split()) for cell in row] for row in reader.rows]
