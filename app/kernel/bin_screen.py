"""The screen of the bin: putting back, and erasing for good."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from sqlalchemy import ColumnElement, func, select

from app.kernel.access import allowed, may, needs, require_identity, safe_next
from app.kernel.bin import BinEntry, erase, shown, within_sight
from app.kernel.declare import N_, May
from app.kernel.files import drop
from app.kernel.grants import EMPTY_BIN, USE_BIN
from app.kernel.i18n import gettext
from app.kernel.orm import fold, viewer_of
from app.kernel.query import record_number
from app.kernel.restoring import NOT_THERE, Restored, restore
from app.kernel.show import clip
from app.kernel.web import files_folder, session
from app.kernel.writing import Conflict, Refused

PAGE = 50
TYPE = N_("Type the word “%(word)s” to erase.")
BUSY = N_("Somebody else was changing the same thing at this moment. Try again.")


def sight() -> ColumnElement[bool]:
    """The entries that whoever is asking may know of and put back."""
    known = current_app.extensions["ryadom.entities"].values()
    # What has no form of its own is taken away on another record's page, by the rights to that one.
    deletes = [entity for entity in known if may(May.DELETE, entity) or not entity.__admin__.form]
    return within_sight(viewer_of(session()), deletes)


def listed(*where: ColumnElement[bool], limit: int = PAGE, offset: int = 0) -> list[dict[str, Any]]:
    """Entries in sight, with the name of their entity."""
    known = {entity.__tablename__: entity for entity in current_app.extensions["ryadom.entities"].values()}
    found = session().execute(shown(sight(), *where).limit(limit).offset(offset))
    return [{**row._mapping, "one": gettext(known[row.entity].__admin__.one)} for row in found]


class Bin(BaseView):
    """What was deleted: everything, or what one has deleted oneself."""

    route_base = "/bin"
    default_view = "entries"

    @expose("/")
    @needs(USE_BIN[0])
    def entries(self) -> ResponseReturnValue:
        total = session().scalar(select(func.count()).select_from(BinEntry).where(sight())) or 0
        last = max(1, -(-total // PAGE))
        asked = request.args.get("page", "1")
        page = min(max(int(asked), 1), last) if asked.isdecimal() and len(asked) < 10 else abort(400)
        rows = listed(offset=(page - 1) * PAGE)
        every = viewer_of(session()).sees_everything
        return render_template("bin/list.html", rows=rows, total=total, page=page, last=last,
                               every=every, may_empty=allowed(*EMPTY_BIN))  # fmt: skip

    @expose("/restore", methods=["POST"])
    def restore(self) -> ResponseReturnValue:
        """Put back. Whoever could delete a thing may do this, so it asks for no permission of its own."""
        require_identity()
        done: list[Restored] = []
        try:
            for id_ in _numbers("entry"):
                done.append(restore(session(), id_, sight()))
            session().commit()
        except Refused as refused:
            session().rollback()
            flash(gettext(refused.wrong[0].message), "danger")
        except Conflict:
            session().rollback()
            flash(gettext(BUSY), "danger")
        else:
            for one in done:
                flash(" ".join([gettext("Put back: “%(title)s”.", title=clip(one.title)), *one.told]),
                      "warning" if one.told else "success")  # fmt: skip
            return redirect(self._back(done))
        return redirect(_came_from())

    def _back(self, done: list[Restored]) -> str:
        """To the page that was asked for, else to the record."""
        if not request.form.get("next") and len(done) == 1 and may(May.SHOW, done[0].schema.entity):
            return url_for(f"{done[0].schema.resource}.show", pk=done[0].id)
        return _came_from()

    @expose("/empty", methods=["GET", "POST"])
    @needs(EMPTY_BIN[0])
    def empty(self) -> ResponseReturnValue:
        """Erase one entry, or all that were there when the question was asked."""
        chosen = _numbers("entry")
        newest = session().scalar(select(func.max(BinEntry.id)).where(sight())) if request.method == "GET" else 0
        upto = next(iter(_numbers("upto")), newest or 0)
        where = (sight(), BinEntry.id.in_(chosen) if chosen else BinEntry.id <= upto)
        told, word = "", gettext("erase")
        if request.method == "POST":
            if fold(request.form.get("word", "")) == fold(word):
                erased, files = erase(session(), *where)
                session().commit()
                drop(files_folder(), files)
                flash(gettext("Erased for good: %(num)d.", num=erased), "success")
                return redirect(url_for("Bin.entries"))
            told = gettext(TYPE, word=word)
        rows = listed(*where)
        if not rows:
            flash(gettext(NOT_THERE), "danger")
            return redirect(url_for("Bin.entries"))
        total = session().scalar(select(func.count()).select_from(BinEntry).where(*where))
        page = render_template("bin/empty.html", rows=rows, total=total, chosen=chosen, upto=upto, word=word, told=told)
        return page, 422 if told else 200


def _numbers(name: str) -> list[int]:
    try:
        return [record_number(text) for text in request.values.getlist(name)[:200]]
    except ValueError:
        abort(400)


def _came_from() -> str:
    return safe_next(request.form.get("next") or ("/bin/" if allowed(*USE_BIN) else "/"))
