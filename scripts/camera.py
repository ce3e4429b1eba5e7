"""What the pictures of the product are made with: the demonstration on a database of its own, and a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PORT = os.environ.get("PORT", "8091")
SITE = f"http://127.0.0.1:{PORT}"
WIDTHS = {"phone": (390, 844), "desk": (1366, 768), "wide": (1920, 1080)}
COLOURS = 96  # enough for a screen, and a quarter of the size
# Date fields as a Russian browser draws them: not every Chromium has its Russian texts beside it.
DATES = """document.querySelectorAll("input[type=date], input[type=datetime-local]").forEach((input) => {
  const [day, time] = input.value.split("T");
  input.type = "text";
  input.value = day.split("-").reverse().join(".") + (time ? ` ${time.slice(0, 5)}` : "");
  input.placeholder = "дд.мм.гггг";
})"""


@contextmanager
def demonstration() -> Iterator[None]:
    """The demonstration, served meanwhile at SITE."""
    folder = tempfile.mkdtemp()
    environment = os.environ | {"RYADOM_DATA": f"{folder}/data", "PORT": PORT}
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--demo"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{SITE}/health").close()
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise SystemExit("the demonstration did not start")
        yield
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def chromium() -> Iterator[Any]:
    """The system's Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def signed_in(browser: Any, login: str, width: str = "desk") -> Any:
    """A page of somebody of the demonstration; nobody's, without a login."""
    from app.demo import PASSWORD

    across, down = WIDTHS[width]
    page = browser.new_page(
        viewport={"width": across, "height": down}, locale="ru-RU", base_url=SITE, reduced_motion="reduce"
    )
    page.set_default_timeout(120_000)  # an old computer is slow
    page.goto("/login/")
    if login:
        page.fill("[name=login]", login)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"{SITE}/")
    return page


def address(page: Any, path: str) -> str:
    """A path as it is; of ``first:/plan/`` with what may follow, the first record of that list."""
    if not path.startswith("first:"):
        return path
    list_, _, rest = path.removeprefix("first:").partition(" ")
    page.goto(list_)
    return f"{page.get_attribute('.list tbody tr td a', 'href')}{rest}"


def shoot(page: Any, target: Path, **options: Any) -> None:
    """The page as it is now, as a small PNG."""
    page.wait_for_load_state("networkidle")
    page.evaluate(DATES)
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(BytesIO(page.screenshot(**options))) as picture:
        small = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(target, optimize=True)
