"""The catalogue of what is shown: the hand-written screens, the menu, and the first hour of each role."""

from __future__ import annotations

from flask_appbuilder import BaseView
from flask_appbuilder.security.sqla.models import User

from app.calendar.views import Calendar, CalendarAccount
from app.deadlines.views import OVERRULE, CaseFlow, MoveCases, Reopening
from app.desk.views import Desk
from app.handover.views import Workload
from app.handover.workload import HAND_OVER
from app.journal.views import IMPORT, CaseWorkbook
from app.kernel.accounts import Account, Accounts, Login, TokenApi
from app.kernel.bin_screen import Bin
from app.kernel.declare import ADMINISTRATOR, N_, May
from app.kernel.grants import COUNT, EMPTY_BIN, MANAGE_ACCOUNTS, MANAGE_ROLES, USE_BIN, Grant
from app.kernel.health import Health
from app.kernel.help import Help, Step, adding, looking
from app.kernel.menu import Item, Section, listed
from app.kernel.personal import SHARE
from app.kernel.roles_screen import Roles
from app.kernel.search_screen import SiteSearch
from app.plans.views import PlanTable
from app.post.pages import SEND
from app.post.views import Mail, Post
from app.procedures.views import Versions
from app.roles import ANALYST, COMMISSIONER, CURATOR, SECRETARY, SPECIALIST, SUPERVISOR
from app.signals.urgent import AGREE, anything_waits, banner
from app.signals.views import OpenCase, Triage
from models import (
    Absence,
    Activity,
    AgendaItem,
    Case,
    CaseEvent,
    Category,
    Change,
    ClosingGround,
    Commission,
    CommissionMember,
    CommissionStep,
    Contact,
    DayOff,
    Deadline,
    Delay,
    FactorSet,
    Family,
    Handover,
    Income,
    Letter,
    Mark,
    Meeting,
    Member,
    Monitoring,
    Municipality,
    Organisation,
    Plan,
    PlanRule,
    Precinct,
    Problem,
    Procedure,
    ProcedureVersion,
    Region,
    Requirement,
    RiskAssessment,
    RiskFactor,
    Scan,
    Signal,
    Staff,
    Stage,
    StageEntry,
    Suspension,
)  # fmt: skip

SCREENS: tuple[type[BaseView], ...] = (
    Login,
    TokenApi,
    Account,
    Accounts,
    Roles,
    Bin,
    Health,
    SiteSearch,
    Desk,
    Help,
    Workload,
    Mail,
    Post,
    Triage,
    OpenCase,
    CaseWorkbook,
    PlanTable,
    CaseFlow,
    Reopening,
    Versions,
    MoveCases,
    Calendar,
    CalendarAccount,
)

# Rights that no item of the menu names, as the administrator reads them among a role's.
RIGHTS: dict[Grant, str] = {
    SHARE: N_("Share saved filters"),
    COUNT: N_("Figures without names"),
    EMPTY_BIN: N_("Erase what is in the bin"),
    OVERRULE: N_("Let a case go on without what is lacking"),
    AGREE: N_("Agree to urgent measures"),
    SEND: N_("Send letters again"),
}

# What the hand-written screens ask for beyond the entities' own permissions: role -> (permission, resource).
EXTRA: dict[str, set[Grant]] = {
    ADMINISTRATOR: {
        MANAGE_ACCOUNTS,
        MANAGE_ROLES,
        IMPORT,
        SHARE,
        USE_BIN,
        EMPTY_BIN,
        OVERRULE,
        AGREE,
        HAND_OVER,
        SEND,
        COUNT,
    },
    SUPERVISOR: {IMPORT, SHARE, USE_BIN, OVERRULE, HAND_OVER, COUNT, AGREE},
    CURATOR: {IMPORT, USE_BIN},
    SECRETARY: {USE_BIN},
    ANALYST: {COUNT},
}

# What stands above every page while it waits: the kernel draws it and does not know what it tells.
BANNER, ALARM = banner, anything_waits

MENU = (
    Section(N_("Today"), "home", (Item(N_("Today"), "/", "home"),)),
    Section(
        N_("Calendar"),
        "calendar",
        (Item(N_("Calendar"), "/calendar/", "calendar", May.LIST.permission, "Deadline"),),
    ),
    Section(N_("Signals"), "bell", (listed(Signal),)),
    Section(
        N_("Families"),
        "users-group",
        (listed(Family), listed(Member), listed(RiskAssessment), listed(Income)),
    ),
    Section(
        N_("Cases"),
        "folder-open",
        (listed(Case), listed(Deadline), listed(Problem), listed(Plan), listed(Activity), listed(Contact),
         listed(Monitoring), listed(Mark), listed(Delay), listed(CaseEvent), listed(Suspension), listed(StageEntry),
         Item(N_("Workload"), "/workload/", "users", *HAND_OVER), listed(Handover), listed(Absence),
         Item(N_("Load a case from Excel"), "/import/case/", "upload", *IMPORT)),
    ),
    Section(
        N_("Commissions"),
        "gavel",
        (listed(Commission), listed(Meeting), listed(AgendaItem), listed(CommissionMember)),
    ),
    Section(
        N_("Settings"),
        "settings",
        (
            listed(Organisation), listed(Staff), listed(Region), listed(Municipality), listed(Precinct),
            listed(Category), listed(Procedure), listed(ProcedureVersion), listed(Requirement), listed(Stage),
            listed(PlanRule), listed(CommissionStep),
            Item(N_("Load a procedure from a file"), "/procedure-version/upload", "upload", "can_add",
                 "ProcedureVersion"),
            listed(DayOff), listed(FactorSet), listed(RiskFactor), listed(ClosingGround),
            Item(N_("Accounts"), "/accounts/", "key", "can_manage", "Accounts"),
            Item(N_("Roles"), "/roles/", "shield-lock", "can_manage", "Roles"),
            listed(Scan),
            listed(Change),
            listed(Letter),
            Item(N_("Bin"), "/bin/", "trash", *USE_BIN),
        ),
    ),
)  # fmt: skip

_SETTING_UP, _COMMISSION, _READING = map(frozenset, ({ADMINISTRATOR}, {SECRETARY}, {COMMISSIONER}))
_CURATORS, _CASEWORKERS = frozenset({SUPERVISOR, CURATOR}), frozenset({SUPERVISOR, CURATOR, SPECIALIST})

# What somebody new does in his first hour, in the order in which work begins.
FIRST_HOUR: tuple[Step, ...] = (
    adding(
        N_("Write down the organisation"),
        N_("Its name and town: records belong to it, and papers bear it."),
        Organisation,
        _SETTING_UP,
    ),
    adding(N_("Write down the staff"), N_("Who works there, and in what position."), Staff, _SETTING_UP),
    Step(
        N_("Give everybody an account"),
        N_("Choose the member of staff and the role. The one-time password is shown once: hand it over yourself."),
        "/accounts/add",
        _SETTING_UP,
        MANAGE_ACCOUNTS,
        User,
    ),
    Step(
        N_("Look through the roles"),
        N_("What each may do and how far it sees. What differs from shipped is yellow."),
        "/roles/",
        _SETTING_UP,
        MANAGE_ROLES,
    ),
    adding(
        N_("Write down the first signal"),
        N_("Who told of what, in their own words. Everything begins with it; “high risk” means help today."),
        Signal,
        _CASEWORKERS,
    ),
    adding(
        N_("Open a case from the signal"),
        N_("The button is on the signal's page. The family, the child and the reason are carried over."),
        Case,
        _CURATORS,
        "/signal/?status=NEW",
    ),
    adding(
        N_("Write down the family"),
        N_("Who lives together and who stands near them. Children come first."),
        Member,
        _CURATORS,
        "/family/",
    ),
    adding(
        N_("Assess the risk"),
        N_("Tick the facts: the level follows from them, and the last word is yours."),
        RiskAssessment,
        _CASEWORKERS,
    ),
    adding(
        N_("Make a plan"),
        N_("Problem, goals, who does what and when: as on paper, right in the table."),
        Plan,
        _CURATORS,
        "/case/",
    ),
    looking(
        N_("Print the plan for signing"),
        N_("PDF to print at once, Word to correct before signing."),
        Plan,
        _CURATORS,
        May.PRINT,
    ),
    adding(
        N_("Make an entry in the work journal"),
        N_("A call, a visit, a meeting: two lines on the same day are enough."),
        Contact,
        _CASEWORKERS,
    ),
    adding(
        N_("Look back with a monitoring"),
        N_("What has changed by each problem, and what is decided next."),
        Monitoring,
        _CURATORS,
    ),
    Step(
        N_("Load a case from Excel"),
        N_("If a case is already kept in a workbook: first “check only”, then load."),
        "/import/case/",
        _CURATORS | _SETTING_UP,
        IMPORT,
    ),
    adding(
        N_("Write down the commission"),
        N_("Its level, its members, its chairman: papers are signed by them."),
        Commission,
        _COMMISSION,
    ),
    adding(N_("Set the day of a meeting"), N_("The agenda is gathered for it."), Meeting, _COMMISSION),
    adding(
        N_("Put a case on the agenda"),
        N_("What is asked, and, after the meeting, what is decided."),
        AgendaItem,
        _COMMISSION,
    ),
    looking(N_("Print the protocol"), N_("The buttons are on the meeting's page."), Meeting, _COMMISSION, May.PRINT),
    looking(
        N_("Open the agenda of your commission"),
        N_("You see the cases that stand on it, and no others."),
        Meeting,
        _READING,
    ),
    looking(
        N_("Read a case before the meeting"),
        N_("The plan, the risk and the journal are on its page."),
        Case,
        _READING,
    ),
    Step(
        N_("Make the page easy to read"),
        N_("Language, light or dark: the button with your name, at the top right."),
        "",
        frozenset({ANALYST, COMMISSIONER}),
    ),
)
