"""Going over the whole product as each role does: from the first page along every link, one page of each kind.

Nothing is listed by hand: a page that a new declaration or screen brings is found by its link, and one that no link
led to by `missed`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException

from app.demo import LOGINS, PASSWORD

SIZE = {"width": 1366, "height": 768}


def sign_in(page: Any, login: str) -> None:
    page.goto("/login/")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/")


class Tour:
    """The pages of one role, as their HTML: each is fetched once and handed out with its address.

    ``fetch(address)`` answers with the status, the type of what came, and its bytes.
    """

    def __init__(self, app: Flask, fetch: Callable[[str], tuple[int, str, bytes]]) -> None:
        self.fetch, self.seen = fetch, {""}
        self.kinds = app.url_map.bind("localhost")

    def kind(self, address: str) -> str:
        """The screen behind an address; nothing for addresses of others and for those that only take a post."""
        parts = urlsplit(address)
        if parts.netloc or not parts.path.startswith("/"):
            return ""
        try:
            return str(self.kinds.match(parts.path, method="GET")[0])
        except HTTPException:
            return ""

    def pages(self) -> Iterator[tuple[str, str]]:
        waiting = ["/"]
        while waiting:
            address = waiting.pop(0)
            kind = self.kind(address)
            if kind in self.seen:
                continue
            self.seen.add(kind)
            if "." in urlsplit(address).path:  # papers and spreadsheets are no pages, and take long to make
                continue
            status, content, body = self.fetch(address)
            assert status == 200, f"{address}: {status}"
            if content.startswith("text/html"):
                page = body.decode()
                waiting += [unescape(link) for link in re.findall(r'<a\b[^>]*?href="([^"]+)"', page)]
                yield address, page


class Parts(HTMLParser):
    """What the main part of a page is made of, whatever it says: each kind of element where it stands, with what is
    directly in it, and the order of headings."""

    TELLING = re.compile(
        r"class|role|type|aria-(hidden|expanded|pressed|current|sort)|disabled|scope|tabindex|multiple"
    )
    NAMING = {"id", "for", "href", "src", "alt", "title", "placeholder", "aria-label", "aria-labelledby", "hidden"}
    ALONE = {"input", "meta", "link", "br", "img", "use", "hr", "path", "source", "wbr"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str, set[str]]] = []
        self.found: set[str] = set()
        self.headings = ""
        self.feed(page)
        self.found.add(self.headings)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if not self.open and tag != "main":
            return
        if re.fullmatch("h[1-6]", tag) and not self.headings.endswith(tag):
            self.headings += tag
        told = [f"{name}={value}" for name, value in attributes if self.TELLING.fullmatch(name)]
        marks = ",".join(sorted([*told, *(name for name, _value in attributes if name in self.NAMING)]))
        self.open.append((tag, f"{tag}[{marks}]", set()))
        if tag in self.ALONE:
            self.close_last()

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.open[-1][2].add("text")

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _made, _within in self.open) and self.close_last() != tag:
            pass

    def close_last(self) -> str:
        tag, made, within = self.open.pop()
        self.found.add(" ".join([*(one for _tag, one, _within in self.open), made, *sorted(within)]))
        if self.open:
            self.open[-1][2].add(made)
        return tag


def missed(app: Flask, seen: set[str]) -> list[str]:
    """Pages that no link led to (of the first record of a list not every screen opens): an address of each kind.

    Every address of the product is asked for as the administrator; what answers with a whole page of HTML is a page.
    """
    client, found = app.test_client(), []
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        client.post("/login/", data={"login": next(iter(LOGINS)), "password": PASSWORD})
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint in seen or "." in rule.rule:
                continue
            for number in range(1, 20 if rule.arguments else 2):
                address = re.sub(r"<int:\w+>", str(number), rule.rule)
                answer = client.get(re.sub(r"<[^>]+>", "x", address))
                if answer.status_code == 200 and answer.text[:9].lower() == "<!doctype":
                    found.append(address)
                    break
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    return found
