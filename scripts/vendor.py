"""Bring the third-party files that browsers and printed forms need into app/static.

    python3 scripts/vendor.py

Needs npm and pip, which fetch; the files are then kept in the repository, so that running «Рядом» needs
neither, and its pages load nothing from elsewhere. To move to a newer version, change it in the table,
run, look at the screens, and bring THIRD_PARTY.md along.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "app" / "static"

ICONS = """
    activity alert-triangle arrow-back-up arrow-down arrow-left arrow-merge arrow-up arrows-sort bell bookmark
    building building-community
    calendar calendar-event chart-bar check chevron-down chevron-left chevron-right chevron-up circle-check
    circle-x clipboard-check clipboard-list coin columns-3 copy device-floppy dots dots-vertical download edit eye
    file-spreadsheet file-text file-type-docx file-type-pdf filter folder folder-open gavel grip-vertical
    heart-handshake history home info-circle key link list-details lock lock-open login logout mail
    map map-pin message mood-kid moon notebook pencil phone plus printer refresh report scale search settings
    language menu-2 device-desktop book-2 help-circle eye-off arrow-back-up circle-dashed
    shield-lock stairs stethoscope sun target trash upload user users users-group x
"""

# @tabler/core ships no licence file of its own; this is the one its style sheet names.
TABLER_LICENCE = """The MIT License (MIT)

Copyright (c) 2018-2026 The Tabler Authors
Copyright (c) 2018-2026 codecalm.net Paweł Kuna
Bootstrap, included: Copyright (c) 2011-2025 The Bootstrap Authors

"""


@dataclass(frozen=True)
class Asset:
    """What is taken from one package: its files, by their paths inside it, laid flat in one folder."""

    folder: str
    package: str
    version: str
    files: tuple[str, ...] = ()
    registry: str = "npm"
    rename: tuple[str, str] = ("", "")
    licence: str = "LICENSE"
    licence_name: str = "LICENSE"
    finish: Callable[[Path, Path], None] | None = None


def tabler_licence(source: Path, target: Path) -> None:
    mit = (STATIC.parent.parent / "LICENSE").read_text(encoding="utf-8")
    (target / "LICENSE").write_text(TABLER_LICENCE + mit[mit.index("Permission is") :], encoding="utf-8")


# Families of the kit's classes that no page uses: half of its style sheet. A page that needs one takes its line out
# of here and runs this script; tests/test_kit.py names a class that a page uses and the kit has lost.
_SPARE_COLOURS = (
    "indigo|pink|lime|cyan|teal|facebook|twitter|x|linkedin|google|youtube|vimeo|dribbble|github|instagram|pinterest|"
    "vk|rss|flickr|bitbucket|tabler|gray(-\\d+)?"
)
UNUSED = re.compile(
    rf"""
    .*-xxl(-.*)? | navbar-(vertical|folded|floating|overlap|transparent).* | navbar-expand(-(sm|md|xl))? | io(-.*)?
    | (bg-pattern|bg-gradient|card-gradient|card-img|card-stamp|card-rotate|card-stacked|card-cover)(-.*)?
    | (switch-icon|ribbon|carousel|otp|markdown|prose|legend|signal|signature)(-.*)?
    | (calendar|sparkline|chart|chat|mention)(-.*)?
    | (accordion|popover|bs-popover|toast|avatar|star|flag|payment|social|demo|layout|settings|apexcharts)(-.*)?
    | (table-mobile|form-(selectgroup|imagecheck|colorinput|range|floating|help)|col-form|was-validated)(-.*)?
    | (focus-ring|divide|link-underline|link-offset|modal-fullscreen|page-cover|tag|tags|tracking|strength)(-.*)?
    | (grid|g-col|row-cols|object-fit|float|btn-animate|btn-loading|hover|img-responsive|nav-segmented)(-.*)?
    | offcanvas-(sm|md|lg|xl)
    | (bg|text|text-bg|btn|btn-outline|btn-ghost|link|border|badge|alert|table|status|list-group-item|progress|theme
       |form-check|card|ribbon|steps|nav)-(?:{_SPARE_COLOURS})(-.*)?
    | [mp][xytbse]?-(sm|xl)-.* | (row-gap|align-content|rounded-(start|end|top|bottom)|offset)-.*
    """,
    re.VERBOSE,
)


def trimmed(css: str) -> str:
    """A minified style sheet without the rules that only unused classes would need, and without what these animate."""
    kept = []
    for head, body in _blocks(css):
        if head.startswith(("@media", "@supports")):
            body = trimmed(body)
        elif not head.startswith("@"):
            head = ",".join(one for one in _selectors(head) if not _asks_for_unused(one))
        if head and body:
            kept.append(f"{head}{{{body}}}" if body != ";" else f"{head};")
    return "".join(kept)


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """The rules of a style sheet as (what stands before the brace, what is inside)."""
    depth = start = opened = 0
    for place, sign in enumerate(css):
        if sign == "{":
            opened = opened if depth else place
            depth += 1
        elif sign == "}":
            depth -= 1
            if not depth:
                yield css[start:opened].strip(), css[opened + 1 : place]
                start = place + 1
        elif sign == ";" and not depth:
            yield css[start:place].strip(), ";"
            start = place + 1


def _selectors(head: str) -> list[str]:
    """A rule's selectors; commas inside brackets part nothing."""
    return re.findall(r"(?:[^,(\[]|\[[^\]]*\]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+", head)


def _asks_for_unused(selector: str) -> bool:
    if "data-vc" in selector or "data-bs-theme-" in selector:  # a calendar, and looks to choose from, that are not here
        return True
    plain = re.sub(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]", "", selector)
    return any(UNUSED.fullmatch(name) for name in re.findall(r"\.(-?[A-Za-z_][\w-]*)", plain))


def kit(source: Path, target: Path) -> None:
    """Tabler's style sheet without what no page uses, and its licence."""
    sheet = target / "tabler.min.css"
    comments = re.compile(r"/\*.*?\*/", re.DOTALL)
    text = sheet.read_text(encoding="utf-8")
    banner = comments.search(text)[0]
    sheet.write_text(f"{banner}\n{trimmed(comments.sub('', text))}\n", encoding="utf-8", newline="\n")
    tabler_licence(source, target)


def sprite(source: Path, target: Path) -> None:
    """One file of all icons: ``<svg class="icon"><use href="…/icons.svg#home"></use></svg>`` draws one.

    The stroke's width is left to the page: Tabler's ``.icon`` sets it, and a set one would not yield.
    """
    symbols = []
    for name in ICONS.split():
        icon = (source / "icons" / "outline" / f"{name}.svg").read_text(encoding="utf-8")
        drawing = re.sub(r"\s+", " ", re.search(r"<svg[^>]*>(.*)</svg>", icon, re.DOTALL)[1])
        # Each icon begins with an invisible square that only design tools need.
        drawing = drawing.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "").strip()
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
            f' stroke-linecap="round" stroke-linejoin="round">{drawing}</symbol>\n'
        )
    text = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "".join(symbols) + "</svg>\n"
    (target / "icons.svg").write_text(text, encoding="utf-8")


# Parts of the UI font in files of their own: what nearly every page has must not bring what hardly any has.
# Part -> the file it is taken from, and its signs.
FONT_TOOLS = ("fonttools==4.68.0", "brotli==1.2.1")
FONT_PARTS = {
    "plain": ("latin", "U+0020-007E,U+00A0,U+00A7,U+00AB,U+00B0,U+00B7,U+00BB,U+00D7,U+2010-2026,U+202F,U+2032-2033,"
              "U+2039-203A,U+20AC,U+2191,U+2193,U+2212"),
    "russian": ("cyrillic", "U+0400-045F,U+04B0-04B1,U+2116"),
    "kazakh": ("cyrillic-ext", "U+0492-0493,U+049A-049B,U+04A2-04A3,U+04AE-04AF,U+04BA-04BB,U+04D8-04D9,"
               "U+04E8-04E9,U+20B8"),
}  # fmt: skip
WEIGHTS = (400, 700)  # heavier ones are used nowhere


def font_faces(source: Path, target: Path) -> None:
    """The style sheet of the UI font under its plain name: first the files as they come, then the parts, which win."""
    with tempfile.TemporaryDirectory() as tools:
        run(sys.executable, "-m", "pip", "install", "--quiet", "--target", tools, *FONT_TOOLS)
        sys.path.insert(0, tools)
        for part, (file, signs) in FONT_PARTS.items():
            font_part(target / f"golos-text-{file}-wght-normal.woff2", signs, target / f"golos-text-{part}.woff2")
        sys.path.remove(tools)
    css = (source / "index.css").read_text(encoding="utf-8")
    css = css.replace("Golos Text Variable", "Golos Text").replace("./files/", "").replace("woff2-variations", "woff2")
    css = re.sub(r"(?m)^/\*.*\*/\n", "", css)
    # All faces of one weight range: only then a browser puts them together by their signs.
    css = css.replace("font-weight: 400 900", f"font-weight: {WEIGHTS[0]} {WEIGHTS[1]}")
    face = re.search(r"@font-face \{.*?\n\}", css, re.DOTALL)[0]
    for part, (_file, signs) in FONT_PARTS.items():
        own = re.sub(r"url\([^)]*\)", f"url(golos-text-{part}.woff2)", face)
        css += "\n" + re.sub(r"unicode-range: [^;]*", f"unicode-range: {signs}", own) + "\n"
    version = json.loads((source / "package.json").read_text(encoding="utf-8"))["version"]
    css = css.replace(".woff2)", f".woff2?v={version})")  # browsers keep for good what has a version
    (target / "golos-text.css").write_text(css, encoding="utf-8", newline="\n")


def font_part(source: Path, signs: str, target: Path) -> None:
    """A file with some of a font's signs and those weights that are used."""
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    options = subset.Options(layout_features=["*"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(signs.replace("U+", "")))
    font = TTFont(source, recalcTimestamp=False)
    subsetter.subset(font)
    font.flavor = None
    between = BytesIO()
    font.save(between)  # the tables are read anew: what was cut off is forgotten
    font = instancer.instantiateVariableFont(TTFont(between, recalcTimestamp=False), {"wght": WEIGHTS})
    font.flavor = "woff2"
    font.save(target)


ASSETS = (
    Asset(
        "vendor/tabler",
        "@tabler/core",
        "1.6.1",
        ("dist/css/tabler.min.css",),
        licence="",
        finish=kit,
    ),
    # Tabler's own script is Bootstrap's and as much again for widgets that no page has.
    Asset("vendor/bootstrap", "bootstrap", "5.3.9", ("dist/js/bootstrap.bundle.min.js",)),
    # Inside of Bootstrap's bundle: only its licence is brought.
    Asset("vendor/bootstrap", "@popperjs/core", "2.11.8", licence="LICENSE.md", licence_name="LICENSE-Popper"),
    Asset(
        "vendor/tom-select",
        "tom-select",
        "2.6.2",
        ("dist/js/tom-select.complete.min.js", "dist/css/tom-select.bootstrap5.min.css"),
    ),
    Asset("vendor/icons", "@tabler/icons", "3.51.0", finish=sprite),
    Asset(
        "vendor/golos-text",
        "@fontsource-variable/golos-text",
        "5.3.0",
        tuple(
            f"files/golos-text-{subset}-wght-normal.woff2"
            for subset in ("cyrillic", "cyrillic-ext", "latin", "latin-ext")
        ),
        finish=font_faces,
    ),
    Asset(
        "fonts/print",
        "fontpkg-pt-serif",
        "1.0",
        tuple(
            f"fontpkg_pt_serif/files/PT_Serif-Web-{face}.ttf" for face in ("Regular", "Italic", "Bold", "BoldItalic")
        ),
        registry="pip",
        rename=("PT_Serif-Web", "PTSerif"),
        licence="fontpkg_pt_serif/LICENSE",
        licence_name="LICENSE-PTSerif",
    ),
    Asset(
        "fonts/print",
        "dejavu-fonts-ttf",
        "2.37.3",
        ("ttf/DejaVuSans.ttf", "ttf/DejaVuSans-Bold.ttf"),
        licence_name="LICENSE-DejaVu",
    ),
)


def fetch(asset: Asset, folder: Path) -> Path:
    """Download and unpack one package; the folder in which its files lie."""
    folder.mkdir()
    if asset.registry == "npm":
        run("npm", "pack", "--silent", "--pack-destination", folder, f"{asset.package}@{asset.version}")
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        return folder / "package"
    python_package = f"{asset.package}=={asset.version}"
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, python_package)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        archive.extractall(folder)
    return folder


def run(*command: str | Path) -> None:
    # npm is a script with an extension of its own on Windows, found only by which().
    subprocess.run([shutil.which(command[0]) or command[0], *command[1:]], check=True, stdout=subprocess.DEVNULL)


def place(source: Path, target: Path) -> None:
    """Copy one file; minified ones lose the pointer to a source map that is not kept here."""
    if target.suffix in (".css", ".js"):
        text = source.read_text(encoding="utf-8")
        text = re.sub(r"\s*(//# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$", "\n", text)
        target.write_text(text, encoding="utf-8", newline="\n")
    else:
        shutil.copyfile(source, target)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        ready = Path(temporary, "ready")
        for number, asset in enumerate(ASSETS):
            print(asset.package, asset.version)
            target = ready / asset.folder
            target.mkdir(parents=True, exist_ok=True)
            source = fetch(asset, Path(temporary, str(number)))
            for file in asset.files:
                place(source / file, target / Path(file).name.replace(*asset.rename))
            if asset.licence:
                place(source / asset.licence, target / asset.licence_name)
            if asset.finish:
                asset.finish(source, target)
        # Only now that all is there: what the repository has is replaced whole, or left as it is.
        for folder in ("vendor", "fonts"):
            shutil.rmtree(STATIC / folder, ignore_errors=True)
            shutil.copytree(ready / folder, STATIC / folder)


if __name__ == "__main__":
    main()
