"""The kit's style sheet is kept without what no page uses; what a page uses must not be among that."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENDOR = runpy.run_path(str(ROOT / "scripts" / "vendor.py"))
QUOTED = re.compile(r"""class(?:Name)?=?["' :=]+[^"'<>]*|classList[^;]*""")
OWN = {
    name
    for path in (ROOT / "app" / "static").glob("*.css")
    for name in re.findall(r"\.(-?[A-Za-z_][\w-]*)", path.read_text(encoding="utf-8"))
}


def used() -> set[str]:
    """Words in quotes of templates and scripts: the classes are among them."""
    words: set[str] = set()
    for pattern in ("*/templates/**/*.html", "static/*.js", "kernel/*.py"):
        for path in (ROOT / "app").glob(pattern):
            if "print" not in path.parts:
                for quoted in re.findall(
                    r"class(?:Name)?=?[\"' :=]+([^\"'<>]*)|classList[^;]*", path.read_text("utf-8")
                ):
                    words |= set(re.findall(r"[A-Za-z][\w-]*-[\w-]+", quoted))
    return words


def test_no_page_uses_what_was_left_out() -> None:
    lost = {name for name in used() - OWN if VENDOR["UNUSED"].fullmatch(name)}
    assert not lost, f"take these out of UNUSED in scripts/vendor.py and run it: {sorted(lost)}"


def test_trimming_keeps_what_is_used_and_drops_the_rest() -> None:
    css = (
        ":root{--a:1}.btn,.ribbon{color:red}.ribbon .btn{x:y}@media (min-width:1px){.ribbon-top{a:b}}"
        ".card:not(.ribbon){c:d}.nav:is(.a,.b) p{e:f}@import url(x);@keyframes k{from{a:b}}"
    )
    assert VENDOR["trimmed"](css) == (
        ":root{--a:1}.btn{color:red}.card:not(.ribbon){c:d}.nav:is(.a,.b) p{e:f}@import url(x);@keyframes k{from{a:b}}"
    )
