"""The message catalogues: what the source says, what is translated, and whether the two agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import PoFileError, read_po, write_po

LANGUAGES = ("ru", "kk", "en")
SOURCE = "en"  # the language of the message ids themselves
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "NN_": (1, 2),
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?([diouxXeEfFgGcrs%])")
# Dates of extraction would change the files when nothing else does; the rest says nothing.
_NOISE = re.compile(
    rb'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid-Bugs-To|Last-Translator|Language-Team): .*\n',
    re.MULTILINE,
)
_HEADER = "# The interface of «Рядом». Kept by scripts/translations.py: sorted, without places in the source."


def extracted(root: Path) -> Catalog:
    """Every message marked in the source, as ``babel.cfg`` in its root finds it."""
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalogue = Catalog(fuzzy=False)
    for _path, _line, message, _comments, context in extract_from_dir(str(root), methods, options, keywords=KEYWORDS):
        if message:
            catalogue.add(message, context=context)
    return catalogue


def path_of(folder: Path, language: str) -> Path:
    return folder / language / "LC_MESSAGES" / "messages.po"


def read(folder: Path, language: str) -> Catalog:
    """The catalogue of a language; one that is not there yet is empty."""
    path = path_of(folder, language)
    if not path.exists():
        return Catalog(locale=language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def rendered(catalogue: Catalog) -> bytes:
    """The catalogue as it is kept: sorted, nothing fuzzy or obsolete, nothing that changes by itself."""
    catalogue.project, catalogue.version = "Ryadom", "1"
    catalogue.header_comment = _HEADER
    catalogue.fuzzy = False
    out = BytesIO()
    write_po(out, catalogue, width=110, no_location=True, sort_output=True, ignore_obsolete=True)
    return _NOISE.sub(b"", out.getvalue())


def update(folder: Path, root: Path) -> dict[str, list[str]]:
    """Bring every catalogue in line with the source. What is left to translate, by language."""
    template, left = extracted(root), {}
    for language in LANGUAGES:
        catalogue = read(folder, language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        for message in _messages(catalogue):
            message.flags.discard("fuzzy")
            if language == SOURCE and _blank(message):
                message.string = message.id
        path = path_of(folder, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = rendered(catalogue)
        if not path.exists() or path.read_bytes() != new:
            path.write_bytes(new)
        left[language] = [_name(message) for message in _messages(catalogue) if _blank(message)]
    return left


def faults(folder: Path, root: Path) -> list[str]:
    """Everything that is wrong with the catalogues, a line each: nothing when all is translated."""
    if not (root / "babel.cfg").exists():
        return [f"babel.cfg: not found in {root}"]
    wanted = {_key(message): message for message in _messages(extracted(root))}
    return [fault for language in LANGUAGES for fault in _faults_of(folder, language, wanted)]


def _faults_of(folder: Path, language: str, wanted: dict[tuple[str, str], Message]) -> list[str]:
    path = path_of(folder, language)
    if not path.exists():
        return [f"{language}: there is no {path.name}"]
    try:
        catalogue = read(folder, language)
    except PoFileError as error:
        return [f"{language}: {error}"]
    kept = {_key(message): message for message in _messages(catalogue)}
    found = [f"{language}: missing: {_name(wanted[key])}" for key in sorted(wanted.keys() - kept.keys())]
    found += [f"{language}: unused: {_name(kept[key])}" for key in sorted(kept.keys() - wanted.keys())]
    found += [f"{language}: unused: {_name(message)}" for message in catalogue.obsolete.values()]
    for key in sorted(wanted.keys() & kept.keys()):
        found += [f"{language}: {fault}: {_name(kept[key])}" for fault in _wrong(kept[key], wanted[key], catalogue)]
    return found


def _wrong(message: Message, source: Message, catalogue: Catalog) -> list[str]:
    """What is wrong with one translated message."""
    if message.pluralizable != source.pluralizable:
        return ["plural forms differ from the source"]
    if _blank(message):
        return ["empty"]
    wrong = ["fuzzy"] if message.fuzzy else []
    strings, ids = _forms(message.string), _forms(message.id)
    if message.pluralizable and len(strings) != catalogue.num_plurals:
        wrong.append(f"{len(strings)} plural forms instead of {catalogue.num_plurals}")
    for index, string in enumerate(strings):
        # The first form may leave the number out ("one record") only where it stands for the number one alone.
        alone = message.pluralizable and index == 0 and catalogue.num_plurals == 2
        allowed = [placeholders(text) for text in (ids if alone else ids[-1:])]
        if placeholders(string) not in allowed:
            wrong.append("placeholders differ")
        if string != string.strip() and ids[0] == ids[0].strip():
            wrong.append("spaces at the ends")
    return list(dict.fromkeys(wrong))


def placeholders(text: str) -> Counter[tuple[str, str]]:
    """What a text leaves to be filled in: names (empty for ``%s``) with their conversions."""
    return Counter((name, kind) for name, kind in _PLACEHOLDER.findall(text) if kind != "%")


def _messages(catalogue: Catalog) -> Collection[Message]:
    return [message for message in catalogue if message.id]


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _key(message: Message) -> tuple[str, str]:
    return (_forms(message.id)[0], message.context or "")


def _name(message: Message) -> str:
    return repr(_forms(message.id)[0]) + (f" ({message.context})" if message.context else "")


def _blank(message: Message) -> bool:
    strings = _forms(message.string)
    return not strings or not all(strings)
