"""The interface in three languages: complete, with the same placeholders, and counting as each language counts."""

from __future__ import annotations

import gettext
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

import config
from app.kernel import catalogues

ROOT = config.HERE
FOLDER = ROOT / "translations"


def compiled(catalogue: Catalog) -> gettext.GNUTranslations:
    """The catalogue as the application sees it."""
    out = BytesIO()
    write_mo(out, catalogue)
    out.seek(0)
    return gettext.GNUTranslations(out)


def test_languages_are_those_of_the_settings():
    assert set(catalogues.LANGUAGES) == set(config.LANGUAGES)


def test_everything_is_translated():
    faults = catalogues.faults(FOLDER, ROOT)
    assert not faults, "run scripts/translations.py update and translate:\n" + "\n".join(faults)


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_placeholders_are_filled_in(language):
    catalogue = catalogues.read(FOLDER, language)
    for message in catalogue:
        for text in message.string if message.pluralizable else (message.string,):
            if message.id and (named := [pair for pair in catalogues.placeholders(text) if pair[0]]):
                values = {name: "7" if kind == "s" else 7 for name, kind in named}
                assert "7" in text % values
                assert "%(" not in text % values


@pytest.mark.parametrize("language", [code for code in catalogues.LANGUAGES if code != catalogues.SOURCE])
def test_nothing_is_left_in_english(language):
    """A message that kept its English words would pass as translated."""
    same = {"API", "CSV"}
    left = [
        message.id
        for message in catalogues.read(FOLDER, language)
        if message.id and message.id == message.string and message.id not in same and any(map(str.isalpha, message.id))
    ]
    assert left == []


def test_the_glossary_says_what_the_interface_says():
    lines = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    terms = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]
    assert len(terms) > 60
    found = 0
    for column, language in enumerate(("ru", "kk"), start=1):
        catalogue = catalogues.read(FOLDER, language)
        for term in terms:
            message = catalogue.get(term[0])
            if message is not None:
                found += 1
                assert message.string == term[column], (language, term[0])
    assert found > 80


def test_russian_counts_in_three_ways():
    expression = catalogues.read(FOLDER, "ru").plural_expr
    form = gettext.c2py(expression)
    assert [form(number) for number in (1, 2, 5, 11, 21, 22, 25, 111)] == [0, 1, 2, 2, 0, 1, 2, 2]
    russian = Catalog(locale="ru")
    russian.add(("%(num)d family", "%(num)d families"), ("%(num)d семья", "%(num)d семьи", "%(num)d семей"))
    words = compiled(russian)
    shown = [words.ngettext("%(num)d family", "%(num)d families", n) % {"num": n} for n in (1, 2, 5, 11, 21)]
    assert shown == ["1 семья", "2 семьи", "5 семей", "11 семей", "21 семья"]


def test_russian_plurals_of_the_product_are_three_different_words():
    words = compiled(catalogues.read(FOLDER, "ru"))
    for message in catalogues.read(FOLDER, "ru"):
        if message.pluralizable:
            one, many = message.id
            shown = [words.ngettext(one, many, number) for number in (1, 2, 5, 11, 21)]
            assert shown[0] == shown[4] and shown[2] == shown[3], message.id
            assert len({shown[0], shown[1], shown[2]}) > 1, message.id


# --- The checker itself, on a small source ---------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "babel.cfg").write_text("[python: **.py]\n", encoding="utf-8")
    (tmp_path / "a.py").write_text(
        'N_("Family")\ngettext("Row %(row)s", row=1)\nngettext("%(num)d case", "%(num)d cases", n)\n',
        encoding="utf-8",
    )
    left = catalogues.update(tmp_path / "t", tmp_path)
    assert {language: len(messages) for language, messages in left.items()} == {"ru": 3, "kk": 3, "en": 0}
    return tmp_path


def translate(source: Path, **changes: object) -> list[str]:
    """Fill the Russian catalogue in, with some messages otherwise; what is then wrong with it."""
    strings: dict[str, object] = {
        "Family": "Семья",
        "Row %(row)s": "Строка %(row)s",
        "%(num)d case": ("%(num)d случай", "%(num)d случая", "%(num)d случаев"),
    }
    catalogue = catalogues.read(source / "t", "ru")
    for message in catalogue:
        key = message.id[0] if message.pluralizable else message.id
        if key:
            message.string = changes.get(str(key).split()[0].lower(), strings[key])
    catalogues.path_of(source / "t", "ru").write_bytes(catalogues.rendered(catalogue))
    return [fault for fault in catalogues.faults(source / "t", source) if fault.startswith("ru:")]


def test_a_complete_catalogue_has_no_faults(source):
    assert translate(source) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"family": ""}, "ru: empty: 'Family'"),
        ({"row": "Строка"}, "ru: placeholders differ: 'Row %(row)s'"),
        ({"row": "Строка %(line)s"}, "ru: placeholders differ: 'Row %(row)s'"),
        ({"row": "Строка %(row)d"}, "ru: placeholders differ: 'Row %(row)s'"),
        ({"family": "Семья "}, "ru: spaces at the ends: 'Family'"),
    ],
)
def test_a_fault_is_named(source, changes, fault):
    assert translate(source, **changes) == [fault]


def test_a_plural_must_keep_its_number_in_russian(source):
    catalogue = catalogues.read(source / "t", "ru")
    message = catalogue.get("%(num)d case")
    message.string = ("один случай", "%(num)d случая", "%(num)d случаев")
    catalogues.path_of(source / "t", "ru").write_bytes(catalogues.rendered(catalogue))
    assert "ru: placeholders differ: '%(num)d case'" in catalogues.faults(source / "t", source)


def test_new_unused_and_fuzzy_messages_are_named(source):
    translate(source)
    (source / "a.py").write_text('N_("Family")\nN_("Signal")\n', encoding="utf-8")
    path = catalogues.path_of(source / "t", "ru")
    path.write_text(path.read_text("utf-8").replace('msgid "Family"', '#, fuzzy\nmsgid "Family"'), "utf-8")
    faults = [fault for fault in catalogues.faults(source / "t", source) if fault.startswith("ru:")]
    assert faults == [
        "ru: missing: 'Signal'",
        "ru: unused: '%(num)d case'",
        "ru: unused: 'Row %(row)s'",
        "ru: fuzzy: 'Family'",
    ]


def test_updating_keeps_what_is_translated_and_drops_what_is_not_used(source):
    translate(source)
    (source / "a.py").write_text('N_("Family")\nN_("Signal")\n', encoding="utf-8")
    assert catalogues.update(source / "t", source)["ru"] == ["'Signal'"]
    catalogue = catalogues.read(source / "t", "ru")
    assert catalogue.get("Family").string == "Семья"
    assert catalogue.get("Row %(row)s") is None and not catalogue.obsolete
    before = catalogues.path_of(source / "t", "ru").read_bytes()
    catalogues.update(source / "t", source)
    assert catalogues.path_of(source / "t", "ru").read_bytes() == before


def test_a_missing_language_is_named(source):
    catalogues.path_of(source / "t", "kk").unlink()
    assert "kk: there is no messages.po" in catalogues.faults(source / "t", source)
