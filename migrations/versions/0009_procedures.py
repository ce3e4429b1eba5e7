"""Procedures as data, in versions; stages, suspensions and events of cases; terms and what people say of them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REFERENCES = {"edition_id": "procedure_version", "stage_id": "stage", "previous_id": "case"}
DATES = ("placed_on", "applied_on")


def upgrade() -> None:
    op.create_table(
        "day_off",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(length=30), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("worked", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_day_off_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_day_off_created_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_off")),
        sa.UniqueConstraint("country", "day", name=op.f("uq_day_off_country_day")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_day_off_created_by_id"), "day_off", ["created_by_id"])
    op.create_index(op.f("ix_day_off_day_id"), "day_off", ["day", "id"])

    op.create_table(
        "procedure_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("procedure_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("follow_up_from", sa.Integer(), nullable=True),
        sa.Column("follow_up_to", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_procedure_version_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_procedure_version_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["procedure_id"], ["procedure.id"], name=op.f("fk_procedure_version_procedure_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procedure_version")),
        sa.UniqueConstraint("procedure_id", "number", name=op.f("uq_procedure_version_procedure_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_procedure_version_created_by_id"), "procedure_version", ["created_by_id"])
    op.create_index(op.f("ix_procedure_version_number_id"), "procedure_version", ["number", "id"])
    op.create_index(op.f("ix_procedure_version_procedure_id"), "procedure_version", ["procedure_id"])
    op.create_index(op.f("ix_procedure_version_status"), "procedure_version", ["status"])

    op.create_table(
        "commission_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("level", sa.String(length=30), nullable=False),
        sa.Column("decides", sa.Text(), nullable=True),
        sa.Column("sits_every", sa.Integer(), nullable=True),
        sa.Column("sits_unit", sa.String(length=30), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_commission_step_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_commission_step_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["procedure_version.id"], name=op.f("fk_commission_step_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_step")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_commission_step_created_by_id"), "commission_step", ["created_by_id"])
    op.create_index(op.f("ix_commission_step_edition_id"), "commission_step", ["edition_id"])
    op.create_index(op.f("ix_commission_step_number_id"), "commission_step", ["number", "id"])

    op.create_table(
        "plan_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("months_from", sa.Integer(), nullable=True),
        sa.Column("months_to", sa.Integer(), nullable=True),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_plan_rule_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_plan_rule_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["procedure_version.id"], name=op.f("fk_plan_rule_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_rule")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_plan_rule_created_by_id"), "plan_rule", ["created_by_id"])
    op.create_index(op.f("ix_plan_rule_edition_id"), "plan_rule", ["edition_id"])

    op.create_table(
        "stage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("leave", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_stage_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_stage_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["procedure_version.id"], name=op.f("fk_stage_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        sa.UniqueConstraint("edition_id", "number", name=op.f("uq_stage_edition_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_stage_created_by_id"), "stage", ["created_by_id"])
    op.create_index(op.f("ix_stage_edition_id"), "stage", ["edition_id"])
    op.create_index(op.f("ix_stage_number_id"), "stage", ["number", "id"])

    op.create_table(
        "version_ground",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("ground_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ground_id"], ["closing_ground.id"], name=op.f("fk_version_ground_ground_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["procedure_version.id"], name=op.f("fk_version_ground_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", "ground_id", name=op.f("pk_version_ground")),
    )
    op.create_index(op.f("ix_version_ground_ground_id"), "version_ground", ["ground_id"])

    op.create_table(
        "requirement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=True),
        sa.Column("optional", sa.Boolean(), nullable=False),
        sa.Column("proof", sa.String(length=30), nullable=True),
        sa.Column("event", sa.String(length=30), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("unit", sa.String(length=30), nullable=True),
        sa.Column("repeats", sa.Boolean(), nullable=False),
        sa.Column("during", sa.Integer(), nullable=True),
        sa.Column("during_unit", sa.String(length=30), nullable=True),
        sa.Column("then_count", sa.Integer(), nullable=True),
        sa.Column("then_unit", sa.String(length=30), nullable=True),
        sa.Column("time", sa.String(length=30), nullable=False),
        sa.Column("placement", sa.String(length=30), nullable=True),
        sa.Column("risk", sa.String(length=30), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_requirement_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_requirement_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["procedure_version.id"], name=op.f("fk_requirement_edition_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_requirement_stage_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requirement")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_requirement_created_by_id"), "requirement", ["created_by_id"])
    op.create_index(op.f("ix_requirement_edition_id"), "requirement", ["edition_id"])
    op.create_index(op.f("ix_requirement_position_id"), "requirement", ["position", "id"])
    op.create_index(op.f("ix_requirement_stage_id"), "requirement", ["stage_id"])

    op.create_table(
        "case_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_case_event_case_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_case_event_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_case_event_created_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_case_event_case_id"), "case_event", ["case_id"])
    op.create_index(op.f("ix_case_event_created_by_id"), "case_event", ["created_by_id"])
    op.create_index(op.f("ix_case_event_happened_on_id"), "case_event", ["happened_on", "id"])

    op.create_table(
        "deadline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("event_on", sa.Date(), nullable=False),
        sa.Column("occasion", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_deadline_case_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["requirement.id"], name=op.f("fk_deadline_requirement_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline")),
        sa.UniqueConstraint("case_id", "requirement_id", "event_on", "occasion", name="uq_deadline_occasion"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_deadline_case_id"), "deadline", ["case_id"])
    op.create_index(op.f("ix_deadline_due_on_id"), "deadline", ["due_on", "id"])
    op.create_index(op.f("ix_deadline_requirement_id"), "deadline", ["requirement_id"])

    op.create_table(
        "mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("waived", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_mark_case_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_mark_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_mark_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["requirement.id"], name=op.f("fk_mark_requirement_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mark_case_id"), "mark", ["case_id"])
    op.create_index(op.f("ix_mark_created_by_id"), "mark", ["created_by_id"])
    op.create_index(op.f("ix_mark_done_on_id"), "mark", ["done_on", "id"])
    op.create_index(op.f("ix_mark_requirement_id"), "mark", ["requirement_id"])

    op.create_table(
        "stage_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_stage_entry_case_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_stage_entry_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_stage_entry_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_stage_entry_stage_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_entry")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_stage_entry_case_id"), "stage_entry", ["case_id"])
    op.create_index(op.f("ix_stage_entry_created_by_id"), "stage_entry", ["created_by_id"])
    op.create_index(op.f("ix_stage_entry_since_id"), "stage_entry", ["since", "id"])
    op.create_index(op.f("ix_stage_entry_stage_id"), "stage_entry", ["stage_id"])

    op.create_table(
        "suspension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_suspension_case_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_suspension_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_suspension_created_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_suspension_case_id"), "suspension", ["case_id"])
    op.create_index(op.f("ix_suspension_created_by_id"), "suspension", ["created_by_id"])
    op.create_index(op.f("ix_suspension_since_id"), "suspension", ["since", "id"])

    op.create_table(
        "delay",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("deadline_id", sa.Integer(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["staff.id"], name=op.f("fk_delay_approved_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_delay_case_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["ab_user.id"], name=op.f("fk_delay_changed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_delay_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["deadline_id"], ["deadline.id"], name=op.f("fk_delay_deadline_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delay")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delay_approved_by_id"), "delay", ["approved_by_id"])
    op.create_index(op.f("ix_delay_case_id"), "delay", ["case_id"])
    op.create_index(op.f("ix_delay_created_by_id"), "delay", ["created_by_id"])
    op.create_index(op.f("ix_delay_deadline_id"), "delay", ["deadline_id"])
    op.create_index(op.f("ix_delay_decided_on_id"), "delay", ["decided_on", "id"])

    with op.batch_alter_table("case") as batch:
        for name, target in REFERENCES.items():
            batch.add_column(sa.Column(name, sa.Integer(), nullable=True))
            batch.create_foreign_key(op.f(f"fk_case_{name}"), target, [name], ["id"], ondelete="RESTRICT")
            batch.create_index(op.f(f"ix_case_{name}"), [name])
        for name in DATES:
            batch.add_column(sa.Column(name, sa.Date(), nullable=True))
        batch.add_column(sa.Column("placement", sa.String(length=30), nullable=True))
        batch.add_column(sa.Column("follow_up_months", sa.Integer(), nullable=True))
    op.add_column("procedure", sa.Column("country", sa.String(length=30), nullable=False, server_default="RU"))
    op.execute("UPDATE procedure SET country = 'KZ' WHERE code = 'kz-phc'")


def downgrade() -> None:
    op.drop_column("procedure", "country")
    with op.batch_alter_table("case") as batch:
        for name in ("follow_up_months", "placement", *DATES):
            batch.drop_column(name)
        for name in REFERENCES:
            batch.drop_index(op.f(f"ix_case_{name}"))
            batch.drop_constraint(op.f(f"fk_case_{name}"), type_="foreignkey")
            batch.drop_column(name)
    op.drop_table("delay")
    op.drop_table("suspension")
    op.drop_table("stage_entry")
    op.drop_table("mark")
    op.drop_table("deadline")
    op.drop_table("case_event")
    op.drop_table("requirement")
    op.drop_table("version_ground")
    op.drop_table("stage")
    op.drop_table("plan_rule")
    op.drop_table("commission_step")
    op.drop_table("procedure_version")
    op.drop_table("day_off")
