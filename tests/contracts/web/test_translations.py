"""Every text of the pages in bokmål and English, and the tools that keep it so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from contracts.web import i18n


def entries(language: str) -> Iterator[Message]:
    return (entry for entry in i18n.read_catalogue(language) if entry.id)


def test_every_text_of_the_pages_has_its_norwegian() -> None:
    missing = i18n.untranslated()
    assert not missing, "run `python -m contracts.web.i18n extract` and translate: " + " | ".join(missing)


def test_no_translation_is_uncertain() -> None:
    assert [entry.id for entry in entries("nb") if entry.fuzzy] == []


def test_a_translation_has_the_parameters_of_its_source() -> None:
    for entry in entries("nb"):
        sources = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        texts = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        allowed = {name for source in sources for name in re.findall(r"%\((\w+)\)[sd]", source)}
        for text in filter(None, texts):
            assert set(re.findall(r"%\((\w+)\)[sd]", text)) <= allowed, entry.id
        if not isinstance(entry.id, tuple) and entry.string:
            assert set(re.findall(r"%\((\w+)\)[sd]", entry.string)) == allowed, entry.id


@pytest.fixture
def small_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with one template and one module, and catalogues of its own."""
    (tmp_path / "contracts/web").mkdir(parents=True)
    (tmp_path / "contracts/web/page.html").write_text(
        '{{ _("Options") }} {{ ngettext("%(num)d day", "%(num)d days", 3) }}'
    )
    (tmp_path / "contracts/web/page.py").write_text(
        'LABEL = N_("Agreement")\ntext = _("Ceiling of %(name)s", name="x")\n'
    )
    monkeypatch.setattr(i18n, "TRANSLATIONS", tmp_path / "translations")
    return tmp_path


def test_extracting_adds_what_is_new_sorted_and_keeps_what_is_translated(small_house: Path) -> None:
    path = i18n.catalogue_path("nb")
    path.parent.mkdir(parents=True)
    path.write_text(
        'msgid ""\nmsgstr ""\n"Language: nb\\n"\n\nmsgid "Options"\nmsgstr "Opsjoner"\n\nmsgid "Zero"\nmsgstr "Null"\n'
    )
    i18n.update_catalogue(root=small_house)
    text = path.read_text()
    ids = re.findall(r'^msgid "(.+)"$', text, flags=re.MULTILINE)
    assert ids == ["%(num)d day", "Agreement", "Ceiling of %(name)s", "Options", "Zero"]
    assert 'msgid "Options"\nmsgstr "Opsjoner"' in text
    assert "#:" not in text
    assert i18n.untranslated(root=small_house) == ["%(num)d day", "Agreement", "Ceiling of %(name)s"]


def test_extracting_twice_changes_nothing(small_house: Path) -> None:
    i18n.update_catalogue(root=small_house)
    first = i18n.catalogue_path("nb").read_bytes()
    i18n.update_catalogue(root=small_house)
    assert i18n.catalogue_path("nb").read_bytes() == first


def test_pruning_drops_what_nothing_uses(small_house: Path) -> None:
    path = i18n.catalogue_path("nb")
    path.parent.mkdir(parents=True)
    path.write_text(
        'msgid ""\nmsgstr ""\n"Language: nb\\n"\n\nmsgid "Options"\nmsgstr "Opsjoner"\n\nmsgid "Zero"\nmsgstr "Null"\n'
    )
    i18n.update_catalogue(root=small_house, prune=True)
    assert "Zero" not in path.read_text()
    assert "Opsjoner" in path.read_text()


def test_translations_given_as_data_are_filled_in(small_house: Path) -> None:
    i18n.update_catalogue(
        root=small_house, translations={"Agreement": "Avtale", "%(num)d day": ["%(num)d dag", "%(num)d dager"]}
    )
    assert i18n.untranslated(root=small_house) == ["Ceiling of %(name)s", "Options"]
    catalogue = i18n.read_catalogue("nb")
    days = catalogue.get("%(num)d day")
    assert days is not None
    assert days.string == ("%(num)d dag", "%(num)d dager")


def test_an_uncertain_translation_counts_as_missing(small_house: Path) -> None:
    i18n.update_catalogue(root=small_house)
    path = i18n.catalogue_path("nb")
    path.write_text(
        path.read_text().replace('msgid "Agreement"\nmsgstr ""', '#, fuzzy\nmsgid "Agreement"\nmsgstr "Avtale"')
    )
    assert "Agreement" in i18n.untranslated(root=small_house)


def test_a_catalogue_is_compiled_when_its_source_is_newer_and_only_then(small_house: Path) -> None:
    i18n.update_catalogue(root=small_house)
    target = i18n.catalogue_path("nb").with_suffix(".mo")
    assert i18n.compile_catalogues() == [target]
    assert i18n.compile_catalogues() == []


def test_the_catalogue_is_sorted_so_that_merges_are_clean() -> None:
    ids = [entry.id if isinstance(entry.id, str) else entry.id[0] for entry in entries("nb")]
    assert ids == sorted(ids), "run `python -m contracts.web.i18n extract`"
