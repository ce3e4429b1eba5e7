"""The page of a hand-over: what whoever looks at it may do with it."""

from __future__ import annotations

from typing import Any

from app.handover.models import HandoverState
from app.handover.workload import HAND_OVER
from app.kernel.access import allowed, require_identity
from app.kernel.query import Line


def handover(line: Line) -> dict[str, Any]:
    in_force, unread = line["state"] is HandoverState.IN_FORCE, line["read_on"] is None
    mine = line["receiver"] is not None and line["receiver"].id == require_identity().viewer.staff_id
    hands_over = allowed(*HAND_OVER) and in_force
    return {
        "reads": mine and in_force and unread,
        "undoes": hands_over and unread,
        "returns": hands_over and line["temporary"] and line["giver"] is not None,
    }
