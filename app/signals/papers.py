"""The journals of signals on paper. Source: ISK technology, step 2; KZ; domain.md, section 8."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from app.families.papers import named
from app.kernel.printing import Paper
from app.risks.papers import LEVELS

if TYPE_CHECKING:
    from app.signals.models import Signal

SOURCES = {
    "HEALTH": "Органы здравоохранения",
    "SOCIAL": "Социальная защита",
    "EXPERTISE": "МСЭ",
    "EDUCATION": "Образование",
    "POLICE": "Полиция, КДН",
    "CITIZEN": "Граждане",
    "NGO": "НКО",
    "FAMILY": "Семья",
    "OTHER": "Другое",
}


class SignalRow(TypedDict):
    number: str
    received_at: dt.datetime
    source: str
    content: str
    risk: str
    decision: str


class SignalJournalPaper(Paper):
    since: dt.datetime | None
    until: dt.datetime | None
    outcome: str  # what the last column is called
    rows: list[SignalRow]


def journal_paper(signals: Sequence[Signal]) -> SignalJournalPaper:
    return _journal(signals, "Журнал сигналов", "Решение")


def visitors_paper(signals: Sequence[Signal]) -> SignalJournalPaper:
    return _journal(signals, "Журнал регистрации посетителей", "Какая помощь оказана")


def unconfirmed_paper(signals: Sequence[Signal]) -> SignalJournalPaper:
    return _journal(signals, "Журнал «Неподтверждённые обращения за помощью»", "Что установлено")


def _journal(signals: Sequence[Signal], title: str, outcome: str) -> SignalJournalPaper:
    """The signals of a list as they came in; the period is that of the list."""
    signals = sorted(signals, key=lambda signal: (signal.received_at, signal.id))
    organisations = {named(signal.organisation) for signal in signals}
    return {
        "title": title,
        "number": "",
        # The list may span organisations: then the journal is nobody's in particular.
        "organisation": organisations.pop() if len(organisations) == 1 else "",
        "since": signals[0].received_at if signals else None,
        "until": signals[-1].received_at if signals else None,
        "outcome": outcome,
        "rows": [
            {
                "number": signal.number,
                "received_at": signal.received_at,
                "source": ": ".join(filter(None, (SOURCES[signal.source.name], signal.reporter))),
                "content": signal.content,
                "risk": LEVELS[signal.risk.name] if signal.risk else "",
                "decision": signal.decision or "",
            }
            for signal in signals
        ],
    }
