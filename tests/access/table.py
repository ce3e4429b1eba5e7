"""Who may do what, to be read by a person: the tests of this folder hold the product to it.

A change here is a change of somebody's rights: it is made on purpose, never by copying what the product does.

    L  opens the list, and is offered the records in drop-downs
    S  opens a record with its history
    A  adds     E  edits     D  deletes
    P  prints the record's papers, or the list's
    X  exports the list to a spreadsheet
    R  does by the API what the other letters allow

A role sees no further than its reach (app/scopes.py): the letters speak of records within it.
"""

from __future__ import annotations

from app.roles import (
    ADMINISTRATOR,
    ANALYST,
    COMMISSIONER,
    CURATOR,
    SECRETARY,
    SPECIALIST,
    SUPERVISOR,
)

ROLES = (ADMINISTRATOR, SUPERVISOR, CURATOR, SPECIALIST, SECRETARY, COMMISSIONER, ANALYST)
STRANGER = ""  # somebody who has not signed in: may nothing

TABLE = """
                   administr supervis curator  speciali secretar commissi analyst
Region             LSAEDPXR  LSR      LSR      LS       LS       LS       LS
Municipality       LSAEDPXR  LSR      LSR      LS       LS       LS       LS
Precinct           LSAEDPXR  LSR      LSR      LS       LS       LS       LS
Organisation       LSAEDPXR  LSER     LSR      LS       LS       LS       LS
Staff              LSAEDPXR  LSAEXR   LSR      LS       LS       -        -

Category           LSAEDPXR  LSR      LSR      LS       LS       LS       LS
Family             LSAEDPXR  LSAEDPXR LSAEPXR  LSP      LSPX     LS       -
Member             LSAEDPXR  LSAEDPXR LSAEDPXR LSP      LSPX     LS       -
Income             LSAEDPXR  LSAEDPXR LSAEDPXR LSP      LSPX     LS       -

FactorSet          LSAEDPXR  LSR      LSR      LS       LS       LS       LS
RiskFactor         LSAEDPXR  LSR      LSR      LS       LS       LS       LS
RiskAssessment     LSAEDPXR  LSAEDPXR LSAEPXR  LSAEP    LSPX     LS       -

Procedure          LSAEDPXR  LSR      LSR      LS       LS       LS       LS
ClosingGround      LSAEDPXR  LSR      LSR      LS       LS       LS       LS
ProcedureVersion   LSAEDPXR  LSR      LSR      LS       LS       LS       LS
Stage              LSAEDPXR  LSR      LSR      LS       LS       LS       LS
PlanRule           LSAEDPXR  LSR      LSR      LS       LS       LS       LS
CommissionStep     LSAEDPXR  LSR      LSR      LS       LS       LS       LS
Requirement        LSAEDPXR  LSR      LSR      LS       LS       LS       LS
Case               LSAEDPXR  LSAEDPXR LSAEPXR  LSP      LSPX     LS       -
Problem            LSAEDPXR  LSAEDPXR LSAEDPXR LSP      LSPX     LS       -
StageEntry         LSAEDPXR LSX      LS       LS       LS       LS       -
Suspension         LSAEDPXR  LSAEDPXR LSAEPXR  LSP      LSPX     LS       -
CaseEvent          LSAEDPXR  LSAEDPXR LSAEDPXR LSP      LSPX     LS       -
Absence            LSAEDPXR  LSAEDPXR -        -        -        -        -
Handover           LSXR      LSXR     LS       LS       LS       -        -
Signal             LSAEDPXR  LSAEDPXR LSAEPXR  LSAEP    LSPX     -        -

Plan               LSAEDPXR  LSAEDPXR LSAEPXR  LSP      LSPX     LS       -
Goal               LSAEDPXR  LSAEDPXR LSAEDPXR LSP      LSPX     LS       -
Activity           LSAEDPXR  LSAEDPXR LSAEDPXR LSE      LSPX     LS       -

Contact            LSAEDPXR  LSAEDPXR LSAEDPXR LSAEP    LSPX     LS       -
Monitoring         LSAEDPXR  LSAEDPXR LSAEPXR  LSP      LSPX     LS       -
MonitoringResult   LSAEDPXR  LSAEDPXR LSAEDPXR LSP      LSPX     LS       -

Commission         LSAEDPXR  LSPX     LSP      LS       LSAEDPXR LS       -
CommissionMember   LSAEDPXR  LSPX     LSP      LS       LSAEDPXR LS       -
Meeting            LSAEDPXR  LSPX     LSP      LS       LSAEDPXR LS       -
AgendaItem         LSAEDPXR  LSPX     LSP      LS       LSAEDPXR LS       -

Deadline           LSXR      LSXR     LSXR     LS       LSX      LS       -
Mark               LSAEDPXR  LSAEDPXR LSAEDPXR LSAEP    LSPX     LS       -
Delay              LSAEDPXR  LSAEDPXR LSAEPXR  LSP      LSPX     LS       -
DayOff             LSAEDPXR  LSR      LSR      LS       LS       LS       LS

Letter             LSX       -        -        -        -        -        -
Scan               LSX       -        -        -        -        -        -
Change             LSX       -        -        -        -        -        -
"""

# Addresses of hand-written screens. What somebody may do there follows from the letters above, or from a permission
# of the screen's own; either way it is written out here.
ROUTES = """
GET,POST  /accounts/add                 administrator
GET       /accounts/                    administrator
POST      /accounts/find                administrator
GET,POST  /accounts/<int:pk>/edit       administrator
POST      /accounts/<int:pk>/reset      administrator
GET       /roles/                       administrator
GET,POST  /roles/add                    administrator
GET,POST  /roles/<int:pk>/              administrator
POST      /roles/<int:pk>/restore       administrator
POST      /roles/<int:pk>/delete        administrator
GET       /bin/                         administrator supervisor curator secretary
GET,POST  /bin/empty                    administrator
POST      /bin/restore                  everybody
GET,POST  /import/case/                 administrator supervisor curator
GET,POST  /signal/<int:pk>/triage       administrator supervisor curator specialist
GET,POST  /signal/<int:pk>/agree        administrator supervisor curator specialist
GET,POST  /signal/<int:pk>/one-off      administrator supervisor curator specialist
GET,POST  /signal/<int:pk>/unconfirmed  administrator supervisor curator specialist
GET,POST  /signal/<int:pk>/open-case    administrator supervisor curator
GET       /plan/<int:pk>/table          administrator supervisor curator specialist secretary commissioner
GET       /workload/                    administrator supervisor
GET,POST  /workload/<int:pk>            administrator supervisor
POST      /workload/<int:pk>/return     administrator supervisor
POST      /workload/<int:pk>/undo       administrator supervisor
POST      /workload/read/<int:pk>       administrator supervisor curator specialist secretary
POST      /post/<int:pk>/again          administrator
POST      /plan/<int:pk>/table          administrator supervisor curator specialist
GET,POST  /plan/<int:pk>/move/<to>      administrator supervisor curator
GET,POST  /plan/<int:pk>/revise         administrator supervisor curator
GET       /calendar/                    administrator supervisor curator specialist secretary commissioner
POST      /calendar/activity/<int:pk>   administrator supervisor curator specialist
POST      /calendar/meeting/<int:pk>    administrator secretary
GET       /case/<int:pk>/flow           administrator supervisor curator specialist secretary commissioner
POST      /case/<int:pk>/flow           administrator supervisor curator
GET,POST  /case/<int:pk>/reopen         administrator supervisor curator
POST      /case/<int:pk>/mark           administrator supervisor curator specialist
GET,POST  /procedure-version/<int:pk>/publish  administrator
GET,POST  /procedure-version/<int:pk>/next     administrator
GET       /procedure-version/<int:pk>/file.yaml     everybody
GET,POST  /procedure-version/<int:pk>/move     administrator
GET,POST  /procedure-version/upload            administrator
GET       /                             everybody
GET,POST  /search/                      everybody
POST      /search/offers                everybody
GET       /first-hour                   everybody
GET       /help/                        everybody
GET       /help/pictures/<name>.png     everybody
GET,POST  /account/calendar             everybody
GET,POST  /account/password             everybody
GET,POST  /account/mail                 everybody
GET       /api/v1/openapi.json          everybody
"""

# Open to whoever comes. Nothing here tells of a record.
OPEN = """
GET,POST  /login/
POST      /logout/
POST      /account/locale
GET       /account/session
POST      /api/v1/login
GET       /calendar/feed/<secret>.ics
GET       /health
GET       /static/<path:filename>
"""

_CALLED = {
    "administrator": ADMINISTRATOR,
    "supervisor": SUPERVISOR,
    "curator": CURATOR,
    "specialist": SPECIALIST,
    "secretary": SECRETARY,
    "commissioner": COMMISSIONER,
    "analyst": ANALYST,
}


def letters() -> dict[str, dict[str, frozenset[str]]]:
    """Entity -> role -> letters."""
    rows = [line.split() for line in TABLE.strip().splitlines()[1:] if line.strip()]
    return {
        name: {role: frozenset(cell.strip("-")) for role, cell in zip(ROLES, cells, strict=True)}
        for name, *cells in rows
    }


def routes() -> dict[tuple[str, str], frozenset[str]]:
    """(method, address) of a hand-written screen -> roles."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for line in ROUTES.strip().splitlines():
        methods, path, *who = line.split()
        roles = frozenset(ROLES) if who == ["everybody"] else frozenset(_CALLED[name] for name in who)
        found |= {(method, path): roles for method in methods.split(",")}
    return found


def open_routes() -> set[tuple[str, str]]:
    lines = (line.split() for line in OPEN.strip().splitlines())
    return {(method, path) for methods, path in lines for method in methods.split(",")}
