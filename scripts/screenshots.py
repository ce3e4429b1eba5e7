"""Make the pictures of the README and of the guide from the demonstration, so that they never lie.

    python3 run.py test --install-only && .venv/bin/python scripts/screenshots.py

Needs Chromium (``CHROMIUM``, else ``chromium`` on the path) and pdftoppm.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from camera import ROOT, address, chromium, demonstration, shoot, signed_in

README = ROOT / "docs" / "screenshots"
GUIDE = ROOT / "docs" / "guide" / "pictures"
OPEN_CASE, PLAN = "first:/case/?status=OPEN", "first:/plan/?status=IN_FORCE"

# Picture -> whose page, and which. What is more than a page is done in `main`.
PICTURES = {
    README / "today.png": ("rukovoditel", "/"),
    README / "families.png": ("rukovoditel", "/family/"),
    README / "plan-table.png": ("rukovoditel", f"{PLAN} /table"),
    GUIDE / "first-hour.png": ("kurator", "/first-hour"),
    GUIDE / "today.png": ("kurator", "/"),
    GUIDE / "signal.png": ("kurator", "first:/signal/?status=NEW"),
    GUIDE / "triage.png": ("kurator", "first:/signal/?status=NEW /triage"),
    GUIDE / "open-case.png": ("kurator", "first:/signal/?status=NEW /open-case"),
    GUIDE / "case.png": ("kurator", OPEN_CASE),
    GUIDE / "stages.png": ("kurator", f"{OPEN_CASE} /flow"),
    GUIDE / "why.png": ("kurator", "first:/deadline/?tab=ahead"),
    GUIDE / "calendar.png": ("kurator", "/calendar/"),
    GUIDE / "plan-table.png": ("kurator", f"{PLAN} /table"),
    GUIDE / "papers.png": ("kurator", f"{OPEN_CASE} /papers"),
    GUIDE / "families.png": ("kurator", "/family/"),
    GUIDE / "meeting.png": ("sekretar", "first:/meeting/"),
    GUIDE / "workload.png": ("rukovoditel", "/workload/"),
    GUIDE / "accounts.png": ("admin", "/accounts/"),
    GUIDE / "role.png": ("admin", "first:/roles/"),
    GUIDE / "procedure.png": ("admin", "first:/procedure-version/"),
}


def paper(page: Any, path: str, target: Path) -> None:
    """The first sheet of a printed form."""
    answer = page.request.get(path)
    assert answer.ok and answer.body().startswith(b"%PDF"), path
    with tempfile.TemporaryDirectory() as folder:
        pdf = Path(folder, "paper.pdf")
        pdf.write_bytes(answer.body())
        subprocess.run(["pdftoppm", "-r", "70", "-png", "-singlefile", pdf, target.with_suffix("")], check=True)


def main() -> None:
    with demonstration(), chromium() as browser:
        pages = {login: signed_in(browser, login) for login in {login for login, _path in PICTURES.values()}}
        for target, (login, path) in PICTURES.items():
            page = pages[login]
            page.goto(address(page, path))
            shoot(page, target)
        page = pages["rukovoditel"]
        page.goto(address(page, OPEN_CASE))
        page.goto(page.get_attribute("main a[href^='/family/']", "href"))
        shoot(page, README / "family.png")
        paper(page, f"{address(page, PLAN)}/print/plan.pdf", README / "plan-print.png")
        page.goto("/workload/")
        page.click("tr:has(.late) a:has-text('Передать')")
        shoot(page, GUIDE / "handover.png")
        page = pages["kurator"]
        page.goto("/")
        page.click(".me button")
        menu = page.locator(".me .dropdown-menu").bounding_box()
        around = {"x": menu["x"] - 24, "y": 0, "width": menu["width"] + 48, "height": menu["y"] + menu["height"] + 16}
        shoot(page, GUIDE / "own-menu.png", clip=around)
        phone = signed_in(browser, "kurator", "phone")
        phone.goto("/signal/")
        shoot(phone, README / "signals-phone.png")
        # The last: from now on the hour runs on every page.
        page.goto(address(page, "first:/signal/?status=NEW /triage"))
        page.click("#procedure-ts-control")
        page.keyboard.type("до 5 лет")
        page.click(".ts-dropdown .option:has-text('до 5 лет')")
        page.check("label:has-text('Антисанитарные условия') input")
        page.select_option("[name=risk]", "HIGH")
        page.click("form.record-form button.btn-primary")
        page.wait_for_selector(".urgent-strip")
        shoot(page, GUIDE / "urgent.png")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
