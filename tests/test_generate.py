"""Invented families by the thousand: sound rows, the same ones again, in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app import generate as generator
from app.cases.models import Case
from app.deadlines import engine as deadlines
from app.families.models import Family, Member
from app.generate import generate
from app.journal.models import Contact
from app.kernel.orm import Record, acting_as, searched_text
from app.kernel.writing import save
from app.plans.models import Plan
from app.territory.models import Organisation, Staff
from models import ENTITIES, metadata
from tests import plain


@pytest.fixture(params=plain.BOTH)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with plain.engine(request.param) as made:
        yield made


def test_the_numbers_are_those_asked_for(engine):
    counts = generate(engine, 300, seed=7)
    with plain.session_of(engine) as session:
        for name, count in counts.items():
            assert session.scalar(select(func.count()).select_from(metadata.tables[name])) == count
        assert counts["family"] == session.scalar(select(func.count(Family.id))) == 300
    assert 3 < counts["member"] / 300 < 5
    assert 0.4 < counts["case"] / 300 < 0.6
    assert 2 <= counts["goal"] / counts["plan"] <= 3


def test_every_row_is_as_the_program_itself_would_have_written_it(engine):
    generate(engine, 200, seed=3)
    with plain.session_of(engine) as session:
        for entity in ENTITIES:
            if not issubclass(entity, Record):
                continue
            for record in session.scalars(select(entity)):
                assert record.folded == searched_text(record), record
                assert record.version == 1
                assert record.created_at.tzinfo
                # Faults of what is written already: an approved plan is not being edited here.
                record.prepare(session)
                assert list(record.faults()) == [], record
        assert not session.dirty or not any(map(session.is_modified, session.dirty))


def test_the_program_goes_on_counting_where_the_generator_stopped(engine):
    generate(engine, 20, seed=1)
    with plain.session_of(engine) as session:
        organisation = session.scalars(select(Organisation)).first()
        family = Family(name="Следующие", organisation=organisation, members=[Member(name="Следующий Лев")])
        save(session, family, *family.members)
        assert family.id > 20
        session.commit()
    generate(engine, 20, seed=1)
    with plain.session_of(engine) as session:
        assert session.scalar(select(func.count(Family.id))) == 41


def test_what_is_there_is_used_and_left_as_it_is(engine):
    with plain.session_of(engine) as session:
        place = Organisation(name="Свой центр")
        place.staff = [Staff(name="Первая Нина")]
        session.add(place)
        session.commit()
        before = session.scalar(select(func.count(Organisation.id)))
        generate(session, 50, seed=2)
        session.rollback()  # with a session, the commit is the caller's
        assert session.scalar(select(func.count(Family.id))) == 0
        assert session.scalar(select(func.count(Organisation.id))) == before
        generate(session, 50, seed=2)
        session.commit()
        generate(session, 50, seed=3)
        session.commit()
        assert session.scalar(select(func.count(Family.id))) == 100
        assert session.scalar(select(func.count(Organisation.id))) == 4  # one without a place, three made once


def _told(session: Session) -> list[tuple[object, ...]]:
    return [
        *session.execute(select(Family.name, Family.address, Family.phone).order_by(Family.id)).all(),
        *session.execute(select(Member.name, Member.born_on).order_by(Member.id)).all(),
        *session.execute(select(Case.number, Case.opened_on).order_by(Case.id)).all(),
        *session.execute(select(Plan.number, Plan.status).order_by(Plan.id)).all(),
        *session.execute(select(Contact.held_on, Contact.event).order_by(Contact.id)).all(),
    ]


def test_the_same_seed_gives_the_same_families():
    told = []
    for seed in (5, 5, 6):
        with plain.engine() as made, plain.session_of(made) as session:
            generate(session, 60, seed)
            told.append(_told(session))
    assert told[0] == told[1] != told[2]


def test_memory_does_not_grow_with_the_number(monkeypatch):
    monkeypatch.setattr(generator, "BATCH", 50)
    monkeypatch.setattr(deadlines, "CHUNK", 50)
    peaks = []
    for families in (100, 800):
        with plain.engine() as made, plain.session_of(made) as session, acting_as(session):
            generate(session, 1)
            tracemalloc.start()
            generate(session, families)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
