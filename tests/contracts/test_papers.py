"""Papers: the same bytes anywhere, readable for all and for decades, and no text in them is ever more than text."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.papers import (
    Attachment,
    Bars,
    Column,
    Facts,
    Heading,
    Language,
    Notice,
    Paragraph,
    Table,
    Writing,
    print_paper,
    render,
)
from contracts.papers import frame as frames
from contracts.papers import letters as texts
from contracts.papers.frame import Letterhead, Organisation, Person, Texts, document_data
from contracts.papers.letters import ActivationOrder, IndexAnswer, OptionNotice, PriceChange, RampStep
from contracts.papers.printing import _COMMON, Paper, showable
from contracts.web import formatting
from tests.conftest import ROOT

WRITE: Writing = formatting
ON = date(2026, 11, 24)
LINES = Attachment("linjer.csv", bytes(range(256)) + "øre;1 234,50\r\n".encode(), "text/csv", "Linjene")


def head(language: Language = "nb", *, example: bool = False) -> Letterhead:
    return Letterhead(
        sender=Organisation("Sykehuspartner HF", "914637651", ("Postboks 3562", "3007 Drammen")),
        recipient=Organisation("Eksempel Medisinsk AI AS", "987654325", ("Storgata 1", "0001 Oslo")),
        our_reference="TV-2026-0042",
        agreement="2021/1234",
        on=ON,
        contact=Person("Kari Nordmann", "Kontraktsforvalter", "kari@example.org", "+47 22 00 00 00"),
        signatory=Person("Ola Ås", "Avtaleeier"),
        language=language,
        your_reference="EM-778",
        example=example,
    )


TRUST = Organisation("Universitetssykehuset Nord-Norge HF", "983974899")


def option_notice(language: Language = "nb", *, example: bool = False) -> OptionNotice:
    return OptionNotice(
        head=head(language, example=example),
        trust=TRUST,
        clause="Bilag 1 punkt 4.2",
        deadline=date(2026, 12, 31),
        joins_on=date(2027, 2, 1),
        until=date(2028, 7, 1),
        decided_on=date(2026, 11, 20),
        decided_by="Ola Ås",
        confirm_by=date(2026, 12, 8),
    )


def activation_order(language: Language = "nb") -> ActivationOrder:
    return ActivationOrder(
        head=head(language),
        trust=TRUST,
        product="CT lungeemboli (Eksempel 3.1)",
        clause="Bilag 1 punkt 5",
        sites=("Tromsø", "Harstad"),
        validation_from=date(2027, 1, 4),
        go_live=date(2027, 2, 1),
        price_book="v4",
        ramp=(RampStep(1, 3, Decimal("0.5")), RampStep(4, 4, Decimal("0.125"))),
        order_reference="4500012345",
        buyer_reference="HAN",
        confirm_by=date(2026, 12, 8),
    )


def index_answer(language: Language = "nb") -> IndexAnswer:
    return IndexAnswer(
        head=head(language),
        answer="approved",
        clause="Bilag 7 punkt 3",
        requested_on=date(2026, 10, 20),
        received_on=date(2026, 10, 22),
        deadline=date(2026, 10, 31),
        effective_from=date(2027, 1, 1),
        index="Konsumprisindeksen",
        base=("2025-09", Decimal("136.4")),
        current=("2026-09", Decimal("140.1")),
        asked_factor=Decimal("1.0312"),
        factor=Decimal("1.0271"),
        reason="",
        prices=(PriceChange("CT lunge, trinn 1", Decimal("60"), Decimal("61.626")),),
    )


def page(*blocks: Any, example: bool = False, language: Language = "nb") -> Any:
    return document_data(
        sender="Sykehuspartner HF",
        agreement="2021/1234",
        reference="R-1",
        subtitle="Om alt",
        language=language,
        example=example,
        blocks=blocks,
    )


def set_(data: Any, **changes: Any) -> bytes:
    arguments: dict[str, Any] = {"title": "Prøve", "language": "nb", "on": ON, **changes}
    return render("document", data, **arguments)


def read(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(pdf))


def lines_of(pdf: bytes) -> list[str]:
    return [line for sheet in read(pdf).pages for line in sheet.extract_text().splitlines()]


def squeezed(text: str) -> str:
    """Take the spaces out: where a line breaks is the template's business."""
    return re.sub(r"\s", "", text)


def text_of(pdf: bytes) -> str:
    return squeezed("".join(lines_of(pdf)))


def kinds(node: Any) -> Iterator[str]:
    """Name each element of the structure tree, parents before children."""
    node = node.get_object()
    if isinstance(node, pypdf.generic.ArrayObject):
        for child in node:
            yield from kinds(child)
    elif isinstance(node, pypdf.generic.DictionaryObject):
        if "/S" in node:
            yield str(node["/S"])
        if "/K" in node:
            yield from kinds(node["/K"])


EVERYTHING = (
    Heading("Overskrift"),
    Paragraph("Brødtekst\nmed linjeskift"),
    Notice("Merk", "Dette"),
    Facts((("Hash", "a" * 64), ("Navn", "verdi")), frozenset({"Hash"})),
    Table("Tabell", (Column("Hva", 1), Column("Kr", 0, "number")), (("Én", "1 234,50"),), "Tom.", ("Sum", "1 234,50")),
    Bars("Søyler", (Column("Måned"), Column("Kr", 0, "number")), ((("jan.", "2,00"), Decimal(2)),), "Tom."),
)


def test_the_same_paper_is_the_same_bytes_under_another_hash_seed_zone_folder_and_locale(tmp_path: Path) -> None:
    here = hashlib.sha256(print_paper(option_notice(), WRITE, attachments=(LINES,))).hexdigest()
    script = (
        "import hashlib, pickle, sys\n"
        "from contracts.papers import print_paper\n"
        "from contracts.web import formatting\n"
        "paper, attachments = pickle.load(sys.stdin.buffer)\n"
        "print(hashlib.sha256(print_paper(paper, formatting, attachments=attachments)).hexdigest())\n"
    )
    handed = pickle.dumps((option_notice(), (LINES,)))
    for seed, zone in (("1", "Pacific/Auckland"), ("4242", "America/Los_Angeles")):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "LC_ALL": "C",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", script], input=handed, cwd=tmp_path, env=environment, capture_output=True, check=True
        )
        assert done.stdout.decode().strip() == here


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"title": "Prøve 2"}, id="title"),
        pytest.param({"language": "en"}, id="language"),
        pytest.param({"on": date(2026, 11, 25)}, id="day"),
        pytest.param({"attachments": (replace(LINES, content=b"1"),)}, id="attachment"),
        pytest.param({"data": page(Paragraph("Én øre mer"))}, id="text"),
    ],
)
def test_whatever_changes_in_a_paper_changes_its_bytes(change: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"data": page(Paragraph("Én øre")), "attachments": (LINES,)}
    assert set_(**arguments) == set_(**arguments)
    assert set_(**{**arguments, **change}) != set_(**arguments)


@pytest.mark.parametrize(("language", "tag"), [("nb", "nb-NO"), ("en", "en-GB")], ids=["nb", "en"])
def test_a_paper_says_that_it_is_for_the_archive_and_for_everybody(language: Language, tag: str) -> None:
    pdf = set_(page(*EVERYTHING, language=language), language=language, attachments=(LINES,))
    root = read(pdf).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == tag
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert read(pdf).metadata.title == "Prøve"
    assert read(pdf).metadata.author == "Sykehuspartner HF"
    assert read(pdf).metadata.creation_date.date() == ON
    told = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in told
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in told
    assert "<pdfuaid:part>1</pdfuaid:part>" in told
    assert f"<dc:language><rdf:Bag><rdf:li>{language}" in re.sub(r">\s+<", "><", told)


def test_every_font_lies_in_the_file() -> None:
    resources = [sheet["/Resources"].get("/Font", {}) for sheet in read(set_(page(*EVERYTHING))).pages]
    fonts = [font.get_object() for held in resources for font in held.values()]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_headings_tables_and_captions_are_tagged() -> None:
    tags = list(kinds(read(set_(page(*EVERYTHING))).trailer["/Root"]["/StructTreeRoot"]))
    assert tags.count("/Table") == 2
    assert tags.count("/TH") == 2 + 3
    assert {"/H1", "/H2", "/P", "/TR", "/TD", "/THead", "/TBody", "/TFoot", "/Caption"} <= set(tags)


def test_an_attachment_comes_out_as_it_went_in() -> None:
    pdf = set_(page(Paragraph("Se vedlegg")), attachments=(LINES,))
    assert read(pdf).attachments == {"linjer.csv": [LINES.content]}
    (specification,) = read(pdf).trailer["/Root"]["/AF"]
    assert specification.get_object()["/AFRelationship"] == "/Data"
    assert specification.get_object()["/Desc"] == "Linjene"
    assert specification.get_object()["/EF"]["/F"].get_object()["/Subtype"] == "/text/csv"
    assert hashlib.sha256(LINES.content).hexdigest() in text_of(pdf)


@pytest.mark.parametrize("name", ["", "../a.csv", "a/b.csv", ".csv", "a b.csv", "é.csv", "a" * 101, "a\n.csv"])
def test_an_attachment_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        Attachment(name, b"", "text/csv", "")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"attachments": (LINES, LINES)}, ValueError, id="two attachments of one name"),
        pytest.param({"title": " "}, ValueError, id="no title"),
        pytest.param({"data": {**page(), "reference": 1.5}}, TypeError, id="a float"),
        pytest.param({"data": {**page(), "reference": Decimal(1)}}, TypeError, id="an amount that nobody formatted"),
        pytest.param({"data": {**page(), "reference": ON}}, TypeError, id="a date that nobody formatted"),
        pytest.param({"data": {**page(), "reference": {"a", "b"}}}, TypeError, id="a set, which has no order"),
        pytest.param({"data": {**page(), "reference": b"x"}}, TypeError, id="bytes"),
    ],
)
def test_what_cannot_be_a_paper_is_refused(change: dict[str, Any], error: type[Exception]) -> None:
    arguments: dict[str, Any] = {"data": page()}
    set_(**arguments)
    with pytest.raises(error):
        set_(**{**arguments, **change})


def test_there_are_two_templates_and_no_other() -> None:
    with pytest.raises(ValueError, match="there is no template"):
        render("../base", page(), title="Prøve", language="nb", on=ON)


HOSTILE = [
    pytest.param('#read("/etc/passwd")', id="a function call"),
    pytest.param("#panic() #let x = 1; #x", id="statements"),
    pytest.param("$ x^2 $ _kursiv_ *fet* `kode`", id="markup"),
    pytest.param("@referanse <merke> = Overskrift", id="labels"),
    pytest.param("\\ \\u{41} \\n // kommentar /* */", id="escapes and comments"),
    pytest.param("- punkt + punkt / ord: ", id="lists"),
    pytest.param("}]) {[( \"'", id="brackets and quotes"),
    pytest.param("{trust} {0} %s %(x)s", id="placeholders"),
    pytest.param("https://example.org/?a=b&c=d#e", id="an address"),
    pytest.param("blåbærsyltetøy ÆØÅ Šibenik Čapek Ŋuorra", id="letters of the north"),
    pytest.param("1–2 − 3 … «sitat» ½ ‰ €", id="signs"),
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["paragraph", "cell", "fact", "notice", "heading", "title"])
def test_text_stands_as_it_is_wherever_it_comes_in(text: str, place: str) -> None:
    block: dict[str, Any] = {
        "paragraph": Paragraph(text),
        "cell": Table("Tabell", (Column("Hva", 1), Column("Mer", 1)), ((text, "x"),), "Tom."),
        "fact": Facts((("Navn", text),)),
        "notice": Notice("Merk", text),
        "heading": Heading(text),
        "title": Paragraph("x"),
    }
    pdf = set_(page(block[place]), title=text if place == "title" else "Prøve")
    assert squeezed(text) in text_of(pdf)


def test_a_name_with_placeholders_stays_literal_in_a_sentence() -> None:
    notice = replace(option_notice(), trust=Organisation("{clause} {deadline!r}", "983974899"))
    assert squeezed("opsjonen for {clause} {deadline!r} under") in text_of(print_paper(notice, WRITE))


@pytest.mark.parametrize("word", ["x" * 200, "ab12" * 50, "9" * 200], ids=["letters", "mixed", "digits"])
def test_a_word_longer_than_a_line_is_broken_and_loses_nothing(word: str) -> None:
    columns = (Column("Hva", 1), Column("Mer", 1), Column("Hash", 1, "code"), Column("Kr", 0, "number"))
    table = Table("Tabell", columns, ((word, word, word, "1,00"),), "Tom.")
    for block in (Paragraph(word), Facts((("Navn", word),)), table):
        pdf = set_(page(block))
        assert max(len(line) for line in lines_of(pdf)) < 120
        assert len(word) <= sum(line.count(char) for line in lines_of(pdf) for char in set(word))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("smil 😀", "smil [U+1F600]"),
        ("中文", "[U+4E2D][U+6587]"),
        ("a\x00b\x07", "a[U+0000]b[U+0007]"),
        ("12\u202e34", "12[U+202E]34"),
        ("a\u2066b\u200d", "a[U+2066]b[U+200D]"),
        ("12 \u05d0 34", "12 [U+05D0] 34"),
        ("\ue000\ufffe\U0010ffff", "[U+E000][U+FFFE][U+10FFFF]"),
        ("\ud800", "[U+D800]"),
        ("a\tb\r\nc\rd\ne", "a b\nc\nd\ne"),
        ("Ωмега ✓", "Ωмega ✓".replace("ega", "ега")),
        ("1\u00a0234,50", "1\u00a0234,50"),
    ],
)
def test_what_no_font_shows_stands_as_its_number(text: str, shown: str) -> None:
    assert showable(text) == shown
    assert squeezed(shown) in text_of(set_(page(Paragraph(text))))


def test_marks_that_find_no_place_stand_as_their_numbers() -> None:
    text = "]\u094d e\u0301"
    pdf = set_(page(Facts((("Kode", text),), frozenset({"Kode"}))))
    assert squeezed("][U+094D] é") in text_of(pdf)


def test_the_characters_that_are_never_tried_out_can_all_be_shown() -> None:
    assert set_(page(Paragraph(" ".join(sorted(_COMMON)))))


@given(text=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_text_can_keep_a_paper_from_being_printed(text: str) -> None:
    table = Table(text, (Column(text, 1), Column("Kode", 0, "code")), ((text, text),), text, (text, text))
    heading = Heading(text if text.strip() else "x")
    blocks = (heading, Paragraph(text), Notice(text, text), Facts(((text, text),), frozenset({text})), table)
    assert set_(page(*blocks), title=heading.text).startswith(b"%PDF-1.7")


@pytest.mark.parametrize("rows", [1, 400])
@pytest.mark.parametrize(
    ("language", "mark"), [("nb", "Eksempeldata"), ("en", "Example data")], ids=["bokmål", "English"]
)
def test_invented_data_is_marked_on_every_page(language: Language, mark: str, rows: int) -> None:
    table = Table("Lang", (Column("Nr.", 1),), tuple((str(i),) for i in range(rows)), "Tom.")
    marked = read(set_(page(table, example=True, language=language), language=language))
    plain = read(set_(page(table, language=language), language=language))
    assert (len(marked.pages) > 5) is (rows == 400)
    assert all(mark in sheet.extract_text() for sheet in marked.pages)
    assert not any(mark in sheet.extract_text() for sheet in plain.pages)


def test_pages_are_numbered_and_a_long_table_repeats_its_heading() -> None:
    table = Table("Lang", (Column("Løpenummer", 1),), tuple((str(i),) for i in range(200)), "Tom.")
    sheets = [sheet.extract_text() for sheet in read(set_(page(table))).pages]
    assert len(sheets) > 3
    for number, text in enumerate(sheets, start=1):
        assert f"Side {number} av {len(sheets)}" in text
        assert "Løpenummer" in text


@pytest.mark.parametrize("text", ["", " ", "\n", "\u00a0"], ids=ascii)
def test_a_heading_without_words_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a heading needs words"):
        Heading(text)


def test_an_empty_table_says_so() -> None:
    text = text_of(set_(page(Table("Innsigelser", (Column("Hva"),), (), "Ingen innsigelser."))))
    assert squeezed("Ingen innsigelser.") in text
    assert "Hva" not in text


def test_a_row_has_a_cell_for_every_column() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Table("Tabell", (Column("a"), Column("b")), (("x",),), "Tom.")
    with pytest.raises(ValueError, match="3 cells for 1 columns"):
        Table("Tabell", (Column("a"),), (), "Tom.", ("x", "y", "z"))


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        pytest.param(["1", "2", "4"], [250, 500, 1000], id="of the largest"),
        pytest.param(["0", "0"], [0, 0], id="nothing"),
        pytest.param(["-5", "10"], [0, 1000], id="none below zero"),
        pytest.param(["-5", "-1"], [0, 0], id="all below zero"),
        pytest.param([], [], id="no rows"),
        pytest.param(["0.01", "9999999.99"], [0, 1000], id="too thin to draw"),
    ],
)
def test_a_bar_is_as_long_as_its_amount(values: list[str], bars: list[int]) -> None:
    block = Bars("Søyler", (Column("Kr"),), tuple(((value,), Decimal(value)) for value in values), "Tom.")
    assert block.to_data()["bars"] == bars


TEXTS = {
    "frame": frames.FRAME,
    "option notice": texts.OPTION_NOTICE,
    "activation order": texts.ACTIVATION_ORDER,
    "index answer": texts.INDEX_ANSWER,
}


@pytest.mark.parametrize("table", TEXTS.values(), ids=TEXTS)
def test_every_text_exists_in_both_languages_with_the_same_gaps(table: Texts) -> None:
    gaps = {
        language: {key: {gap for _, gap, _, _ in string.Formatter().parse(text) if gap} for key, text in words.items()}
        for language, words in table.items()
    }
    assert gaps["nb"] == gaps["en"]


WANTED: list[Any] = [
    pytest.param(
        option_notice,
        "nb",
        [
            "Melding om utløsning av opsjon for Universitetssykehuset Nord-Norge HF",
            "etter Bilag 1 punkt 4.2. Opsjonen kunne utløses til og med 31. desember 2026",
            "Organisasjonsnummer 983 974 899",
            "Gjelder til 30. juni 2028",
            "Vår referanse TV-2026-0042",
            "Deres referanse EM-778",
            "Med vennlig hilsen Ola Ås Avtaleeier Sykehuspartner HF",
        ],
        id="option notice nb",
    ),
    pytest.param(
        option_notice,
        "en",
        ["exercised, under Bilag 1 punkt 4.2", "until 31 December 2026", "Yours sincerely", "Org. no. 987 654 325"],
        id="option notice en",
    ),
    pytest.param(
        activation_order,
        "nb",
        [
            "Bestilling: CT lungeemboli (Eksempel 3.1) ved Universitetssykehuset Nord-Norge HF",
            "Steder Tromsø Harstad",
            "Planlagt driftsstart 1. februar 2027",
            "Ordrenummer på faktura 4500012345",
            "Måned 1–3 50 %",
            "Måned 4 12,5 %",
            "Undersøkelser i valideringen faktureres ikke",
        ],
        id="activation order nb",
    ),
    pytest.param(activation_order, "en", ["Months 1–3 50%", "Month 4 12.5%"], id="activation order en"),
    pytest.param(
        index_answer,
        "nb",
        [
            "Kravet er godkjent. Prisene reguleres med faktoren 1,0271 fra 1. januar 2027.",
            "Basis 136,4 (september 2025)",
            "Faktor i kravet 1,0312",
            "CT lunge, trinn 1 60,00 61,626",
        ],
        id="index answer nb",
    ),
    pytest.param(index_answer, "en", ["by the factor 1.0271", "60.00 61.626"], id="index answer en"),
]


@pytest.mark.parametrize(("make", "language", "wanted"), WANTED)
def test_a_letter_says_what_was_decided(
    make: Callable[[Language], Paper], language: Language, wanted: list[str]
) -> None:
    text = text_of(print_paper(make(language), WRITE))
    assert [words for words in wanted if squeezed(words) not in text] == []


def test_an_order_without_validation_or_discount_speaks_of_neither() -> None:
    order = replace(activation_order(), validation_from=None, ramp=(), sites=(), buyer_reference=None)
    text = text_of(print_paper(order, WRITE))
    assert "alidering" not in text
    assert squeezed("Avtalen gir ingen rabatt i innføringen.") in text
    assert "Steder" not in text


@pytest.mark.parametrize(
    ("changes", "wanted", "unwanted"),
    [
        pytest.param(
            {"answer": "declined", "prices": (), "factor": None, "reason": "Basis er feil måned."},
            ["Kravet er avslått. Prisene står uendret.", "Begrunnelse: Basis er feil måned.", "har regnet mangler"],
            "Priser fra",
            id="declined",
        ),
        pytest.param(
            {"answer": "lapsed", "prices": (), "received_on": date(2026, 11, 1), "base": None},
            ["Kravet kom etter fristen 31. oktober 2026 og er bortfalt.", "Basis mangler"],
            "Priser fra",
            id="lapsed",
        ),
        pytest.param({"prices": (), "asked_factor": None}, ["Ingen priser endres."], "Faktor i kravet", id="no prices"),
    ],
)
def test_an_answer_that_changes_no_price_shows_none(changes: dict[str, Any], wanted: list[str], unwanted: str) -> None:
    text = text_of(print_paper(replace(index_answer(), **changes), WRITE)).replace(squeezed("Svar på"), "")
    assert [words for words in wanted if squeezed(words) not in text] == []
    assert (squeezed(unwanted) in text) is (unwanted == "Priser fra" and not changes.get("answer"))


@pytest.mark.parametrize(
    ("paper", "changes", "words"),
    [
        pytest.param(option_notice, {"deadline": date(2026, 11, 23)}, "after the option's deadline", id="late notice"),
        pytest.param(index_answer, {"factor": None}, "needs the factor", id="approval without factor"),
        pytest.param(index_answer, {"answer": "declined"}, "by an approval only", id="prices without approval"),
        pytest.param(index_answer, {"answer": "lapsed", "prices": ()}, "came by its deadline", id="not late at all"),
    ],
)
def test_a_letter_that_contradicts_its_facts_is_not_made(
    paper: Callable[[], Any], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        replace(paper(), **changes)


def test_a_notice_on_the_last_day_is_in_time() -> None:
    assert replace(option_notice(), deadline=ON).deadline == ON


def test_a_moment_is_no_day_of_a_letter() -> None:
    late = replace(option_notice(), confirm_by=datetime(2026, 12, 8, 12))  # noqa: DTZ001
    with pytest.raises(TypeError, match="a moment is not a date"):
        print_paper(late, WRITE)
