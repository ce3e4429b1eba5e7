"""All main pages at three widths, light and dark, from the demonstration: to look through before a release.

    .venv/bin/python scripts/gallery.py [FOLDER]

Makes FOLDER (``gallery``, which git ignores) with an ``index.html``. Needs Chromium (``CHROMIUM``, else on the path).
"""

from __future__ import annotations

import sys
from pathlib import Path

from camera import ROOT, WIDTHS, address, chromium, demonstration, shoot, signed_in

THEMES = ("light", "dark")
# Whose page, and which: a list, its first record, a form.
CASE, PLAN, SIGNAL = "first:/case/?status=OPEN", "first:/plan/?status=IN_FORCE", "first:/signal/?status=NEW"
PAGES = (
    ("", "/login/"),
    ("", "/nothing-here"),
    *(("kurator", path) for path in (
        "/", "/calendar/", "/calendar/?view=week", "/signal/", "/signal/add", SIGNAL, f"{SIGNAL} /triage",
        f"{SIGNAL} /unconfirmed", f"{SIGNAL} /open-case", "/family/", "first:/family/", "first:/family/ /edit",
        "first:/family/ /history", "/case/", CASE, f"{CASE} /flow", f"{CASE} /papers", "first:/case/?status=CLOSED",
        "first:/case/?status=CLOSED /reopen", "/deadline/", "first:/deadline/?tab=ahead", "/delay/add",
        "/risk-assessment/add", "/plan/", PLAN, f"{PLAN} /table", f"{PLAN} /revise", "/contact/", "/contact/add",
        "/monitoring/", "/import/case/", "/search/", "/bin/", "/first-hour", "/help/", "/account/password",
        "/account/calendar", "/account/mail",
    )),
    ("specialist", "/"),
    *(("rukovoditel", path) for path in ("/", "/workload/", "first:/staff/", "/handover/", "/absence/add")),
    *(("sekretar", path) for path in ("/", "first:/meeting/", "/agenda-item/add")),
    *(("komissiya", path) for path in ("/", "first:/agenda-item/")),
    ("analitik", "/"),
    *(("admin", path) for path in (
        "/", "/accounts/", "/accounts/add", "/roles/", "first:/roles/", "/change/", "/letter/", "/procedure/",
        "/procedure-version/", "first:/procedure-version/", "first:/procedure-version/ /next",
        "first:/procedure-version/ /move", "/procedure-version/upload", "/requirement/", "/day-off/", "/bin/",
        "first:/family/ /delete", "first:/family/ /merge",
    )),
)  # fmt: skip
HEAD = """<!doctype html><html lang="ru"><meta charset="utf-8"><title>Рядом</title><style>
body{font:16px system-ui;margin:1rem} section{display:flex;gap:1rem;overflow-x:auto;align-items:flex-start}
figure{margin:0;flex:none} img{height:26rem;border:1px solid #999} figcaption{color:#555}</style><h1>Рядом</h1>
"""


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "gallery"
    with demonstration(), chromium() as browser:
        pages = {login: signed_in(browser, login) for login in {login for login, _path in PAGES}}
        lines = [HEAD]
        for number, (login, path) in enumerate(PAGES, 1):
            page, name = pages[login], f"{number:02}"
            where = address(page, path)
            lines.append(f"<h2>{number}. {where} <small>{login}</small></h2><section>")
            for width, (across, down) in WIDTHS.items():
                page.set_viewport_size({"width": across, "height": down})
                for theme in THEMES:
                    page.evaluate("(theme) => localStorage.setItem('theme', theme)", theme)
                    page.goto(where)
                    shoot(page, folder / f"{name}-{width}-{theme}.png", full_page=width == "phone")
                    file = f"{name}-{width}-{theme}.png"
                    lines.append(
                        f'<figure><a href="{file}"><img src="{file}" alt="" loading="lazy"></a>'
                        f"<figcaption>{across}, {theme}</figcaption></figure>"
                    )
            lines.append("</section>")
            print(where)
    (folder / "index.html").write_text("\n".join(lines), encoding="utf-8")
    print(folder / "index.html")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
