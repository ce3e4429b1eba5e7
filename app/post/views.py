"""Which letters one gets; and the administrator's button that sends a letter again."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext
from sqlalchemy import delete, insert, select

from app.kernel.access import needs, require_identity
from app.kernel.web import session
from app.post import sending
from app.post.models import MAIL_CHOICE
from app.post.pages import SEND
from app.territory.models import Staff


class Mail(BaseView):  # type: ignore[misc]
    """One's own choice of letters."""

    route_base = "/account"
    default_view = "mail"

    @expose("/mail", methods=["GET", "POST"])
    def mail(self) -> Any:
        me, db = require_identity(), session()
        mine = MAIL_CHOICE.c.user_id == me.user.id
        if request.method == "POST":
            wanted = {name: name in request.form for name in ("reminders", "digest")}
            db.execute(delete(MAIL_CHOICE).where(mine))
            db.execute(insert(MAIL_CHOICE).values(user_id=me.user.id, **wanted))
            db.commit()
            flash(gettext("Saved."), "success")
            return redirect(url_for("Mail.mail"))
        chosen = db.execute(select(MAIL_CHOICE.c.reminders, MAIL_CHOICE.c.digest).where(mine)).first()
        staff_id = me.viewer.staff_id
        person = db.get(Staff, staff_id) if staff_id else None
        return self.render_template(
            "post/mail.html",
            email=person.email if person else None,
            reminders=chosen is None or chosen.reminders,
            digest=chosen is None or chosen.digest,
            sends=bool(current_app.config["SMTP_HOST"]),
        )


class Post(BaseView):  # type: ignore[misc]
    """What the administrator does with the outbox."""

    route_base = "/post"
    default_view = "again"

    @expose("/<int:pk>/again", methods=["POST"])
    @needs(SEND[0])
    def again(self, pk: int) -> Any:
        """A letter that was given up is sent with the next run."""
        if sending.again(session(), pk):
            session().commit()
            flash(gettext("The letter goes out with the next run of the post."), "success")
        else:
            session().rollback()
            flash(gettext("Only a letter that was not sent is sent again."), "warning")
        return redirect("/letter/")
