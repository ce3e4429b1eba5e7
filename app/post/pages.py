"""The page of a letter: whether it may be sent again."""

from __future__ import annotations

from typing import Any

from app.kernel.access import allowed
from app.kernel.grants import Grant
from app.kernel.query import Line
from app.post.models import LetterState

SEND: Grant = ("can_send", "Post")


def letter(line: Line) -> dict[str, Any]:
    return {"again": line["state"] is LetterState.FAILED and allowed(*SEND)}
