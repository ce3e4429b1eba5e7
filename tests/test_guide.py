"""The guide never lies: its pictures are there and small, and what it calls by name stands on the screen so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from app.kernel import catalogues
from app.kernel.help import GUIDE, rendered

TEXT = (GUIDE / "ru.md").read_text(encoding="utf-8")
ROOT = Path(__file__).resolve().parents[1]
LARGEST = 150 * 1024


def test_every_name_in_bold_is_one_of_the_screen() -> None:
    catalogue = catalogues.read(ROOT / "translations", "ru")
    said = {str(message.string) for message in catalogue if message.id}
    names = {" ".join(name.split()) for name in re.findall(r"\*\*«(.+?)»\*\*", TEXT, re.DOTALL)}
    assert len(names) > 30
    assert names <= said, f"not on any screen: {names - said}"


def test_its_pictures_are_there_and_small() -> None:
    wanted = set(re.findall(r"\]\(pictures/([\w-]+\.png)\)", TEXT))
    kept = {path.name: path.stat().st_size for path in (GUIDE / "pictures").glob("*.png")}
    assert wanted == set(kept), "pictures missing, or kept for nothing"
    assert max(kept.values()) <= LARGEST, kept


def test_pictures_are_made_by_the_script() -> None:
    script = (ROOT / "scripts" / "screenshots.py").read_text(encoding="utf-8")
    for path in (GUIDE / "pictures").glob("*.png"):
        assert f'GUIDE / "{path.name}"' in script


def test_raw_html_stays_text() -> None:
    page, headings = rendered("## Вход <b>\n\n<script>alert(1)</script>\n")
    assert "<script" not in page and "<b>" not in page
    assert headings[0].anchor == "p1" and 'id="p1"' in page


@pytest.mark.parametrize("path", ["/help/", "/first-hour", "/help/pictures/today.png"])
def test_it_is_read_by_whoever_has_signed_in_and_by_nobody_else(app: Flask, signed_in, path: str) -> None:
    assert app.test_client().get(path).status_code == 302
    answer = signed_in("Куратор", organisation="Искорка").get(path)
    assert answer.status_code == 200
    assert answer.mimetype == ("image/png" if path.endswith("png") else "text/html")
