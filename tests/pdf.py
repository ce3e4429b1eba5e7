"""Reads printed papers back, with poppler's tools: what a reader would see, page by page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

# On a developer's machine the tools may be missing; where everything is checked they must be there.
needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None and not os.environ.get("CI"), reason="poppler-utils are not installed"
)


@dataclass(frozen=True)
class Word:
    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def _run(command: str, pdf: bytes, *options: str) -> str:
    return subprocess.run([command, *options], input=pdf, capture_output=True, check=True).stdout.decode()


def pages(pdf: bytes) -> list[str]:
    """The text of each page, in reading order, as laid out."""
    return _run("pdftotext", pdf, "-layout", "-", "-").split("\f")[:-1]


def text(pdf: bytes) -> str:
    """All words with single spaces, in the order of the content: a column's lines follow one another."""
    return re.sub(r"\s+", " ", _run("pdftotext", pdf, "-raw", "-", "-"))


def words(pdf: bytes) -> list[list[Word]]:
    """Each page's words with their boxes, in points from the top left."""
    page_of = "{http://www.w3.org/1999/xhtml}page"
    tree = ElementTree.fromstring(_run("pdftotext", pdf, "-bbox", "-", "-"))
    return [
        [
            Word(word.text or "", *(float(word.attrib[side]) for side in ("xMin", "yMin", "xMax", "yMax")))
            for word in page
        ]
        for page in tree.iter(page_of)
    ]


def fonts(pdf: bytes) -> dict[str, bool]:
    """Fonts by name, and whether the file carries them. The tool reads a file only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "paper.pdf")
        path.write_bytes(pdf)
        lines = _run("pdffonts", b"", str(path)).splitlines()[2:]
    return {line.split()[0]: line.split()[-5] == "yes" for line in lines}
