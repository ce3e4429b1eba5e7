"""Languages: which one a request speaks, and catalogues compiled when their source is newer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, has_request_context, session
from flask_babel import get_translations

from app.kernel.access import identity


def compile_catalogues(folder: Path) -> None:
    """Make ``messages.mo`` beside every ``messages.po`` that is newer: only the source is under version control."""
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3])
        part = target.with_suffix(f".{os.getpid()}.part")  # several processes may start at once
        with part.open("wb") as file:
            write_mo(file, catalogue)
        part.replace(target)


def select_locale() -> str | None:
    """The person's own choice, else that of this browser's sign-in page, else the installation's."""
    if not has_request_context():
        return None
    app_languages = _languages()
    found = identity()
    chosen = (found.locale if found else None) or session.get("locale")
    return chosen if chosen in app_languages else None


def _languages() -> tuple[str, ...]:
    return tuple(current_app.config["LANGUAGES"])


def gettext(message: str, **values: Any) -> str:
    """The message in the reader's language, for pages that say a hundred of them.

    Flask-Babel looks its catalogue up for each message; here that is done once a request.
    """
    try:
        words: Callable[[str], str] = g.words
    except AttributeError:
        words = g.words = get_translations().gettext
    except RuntimeError:  # outside the application there is no language
        words = str
    said = words(message)
    return said % values if values else said


def speaker() -> Callable[..., str]:
    """The same for one page: the language is looked up once and not for each of its words."""
    words = get_translations().gettext

    def say(message: str, **values: Any) -> str:
        said: str = words(message)
        return said % values if values else said

    return say


def role_title(name: str) -> str:
    """A shipped role's name in the reader's language; the administrator's own role as he called it."""
    titles: dict[str, str] = current_app.extensions.get("ryadom.roles", {})
    return gettext(titles[name]) if name in titles else name


def install(app: Flask) -> None:
    """Compile what is stale."""
    compile_catalogues(Path(app.config["BABEL_TRANSLATION_DIRECTORIES"]))


def take_over(app: Flask) -> None:
    """Choose the language and translate the templates, in place of Flask-AppBuilder's Babel."""
    app.extensions["babel"].locale_selector = select_locale
    app.jinja_env.globals["gettext"] = app.jinja_env.globals["_"] = gettext
