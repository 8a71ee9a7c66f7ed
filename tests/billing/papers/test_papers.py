"""Papers that tell amounts: what they say in both languages, and that none is made whose sums contradict each other."""

from __future__ import annotations

import csv
import hashlib
import re
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.papers import (
    Allocation,
    BudgetYear,
    CauseSum,
    DecisionPaper,
    DisputedLine,
    DisputeLetter,
    DisputeOutcome,
    DocumentFinding,
    EffectOnOther,
    FiledPaper,
    Gain,
    GuardAnswer,
    MonthCost,
    ProtocolDocument,
    ReconciliationProtocol,
    Signed,
    decision_paper,
    dispute_letter,
    reconciliation_protocol,
)
from contracts.papers import Attachment, Language, Writing, print_paper
from contracts.papers.frame import Letterhead, Organisation, Person, Texts
from contracts.papers.printing import Paper
from contracts.web import formatting

WRITE: Writing = formatting
ON = date(2026, 11, 24)
BUYER = Organisation("Sykehuspartner HF", "914637651", ("Postboks 3562", "3007 Drammen"))
VENDOR = Organisation("Eksempel Medisinsk AI AS", "987654325", ("Storgata 1", "0001 Oslo"))
TRUSTS = ("Vestre Viken HF", "Sykehuset Østfold HF", "Universitetssykehuset Nord-Norge HF")


def nok(text: str) -> Decimal:
    return Decimal(text.replace(" ", "").replace(",", ".").replace("−", "-"))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def letter(language: Language = "nb") -> DisputeLetter:
    return DisputeLetter(
        head=Letterhead(
            sender=BUYER,
            recipient=VENDOR,
            our_reference="INN-2026-7",
            agreement="2021/1234",
            on=ON,
            contact=Person("Kari Nordmann", "Økonomikontroller", "kari@example.org"),
            signatory=Person("Ola Ås", "Avtaleeier"),
            language=language,
        ),
        invoice="F-20261015",
        issued_on=date(2026, 10, 15),
        quarter="2026-Q3",
        invoiced_total=nok("1 284 310,50"),
        lines=(
            DisputedLine("3", "CT lunge", "TIER_SCOPE", "Trinn er regnet per HF.", nok("184 200"), nok("171 450,50")),
            DisputedLine("7", "CT lungeemboli", "QTY_DUP", "12 er talt to ganger.", nok("22 440"), nok("21 720")),
        ),
        wanted="CNP",
        demanded=nok("13 469,50"),
        answer_by=date(2026, 12, 15),
        hold="whole",
    )


def protocol(language: Language = "nb") -> ReconciliationProtocol:
    return ReconciliationProtocol(
        buyer=BUYER,
        vendor=VENDOR,
        agreement="2021/1234",
        quarter="2026-Q3",
        reference="AVS-2026-Q3-1",
        on=ON,
        documents=(
            ProtocolDocument("invoice", "F-1", date(2026, 10, 15), nok("1 284 310,50"), sha256("faktura")),
            ProtocolDocument("credit_note", "K-1", date(2026, 11, 2), nok("−11 640"), sha256("kreditnota")),
        ),
        invoiced=nok("1 272 670,50"),
        expected=nok("1 272 670,96"),
        disputed=nok("11 640"),
        credited=nok("0"),
        payable=nok("1 272 670,50"),
        causes=(
            CauseSum("ROUNDING", "Avrunding innenfor toleransen.", 3, nok("0,04")),
            CauseSum("RAMP_EXPIRED", "Rabatt gitt for lenge.", 1, nok("−0,50")),
            CauseSum("UNEXPLAINED", "Ikke forklart.", 0, nok("0")),
        ),
        findings=(DocumentFinding("NO-R-002", "F-1", "Foretaksregisteret mangler"),),
        disputes=(DisputeOutcome("INN-2026-7", date(2026, 10, 20), "credited", nok("11 640"), nok("11 640")),),
        allocations=(
            Allocation(TRUSTS[0], "4100", "6720", nok("1 000 000,17")),
            Allocation(TRUSTS[1], "4101", None, nok("272 670,33")),
        ),
        run_hash=sha256("kjøring"),
        usage_known_at=datetime(2026, 10, 10, 8, tzinfo=UTC),
        price_book="v4",
        tolerance="T-2",
        attested=Signed("u1", "Kari Nordmann", datetime(2026, 11, 20, 9, 12, tzinfo=UTC), "Kontrollert mot avtalen."),
        approved=Signed("u2", "Ola Ås", datetime(2026, 11, 23, 13, 5, tzinfo=UTC), "Anvist til betaling."),
        language=language,
    )


def decision(language: Language = "nb") -> DecisionPaper:
    return DecisionPaper(
        sender=BUYER.name,
        agreement="2021/1234",
        reference="AKT-17",
        on=ON,
        trust=TRUSTS[1],
        product="CT lungeemboli (Eksempel 3.1)",
        need="CT thorax, lungeemboli",
        vendor=VENDOR.name,
        go_live=date(2027, 2, 1),
        agreement_end=date(2029, 6, 30),
        submitted_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
        submitted_by="Per Lund",
        open_points=("Opplæring er ikke gjennomført.",),
        expected=nok("3 412 500"),
        own=nok("3 440 020,50"),
        p90=nok("4 120 800,75"),
        first_year=nok("1 104 000"),
        per_examination=nok("42,50"),
        months=(
            MonthCost("2027-02", "Innføring, 50 % rabatt", nok("29 000,10")),
            MonthCost("2027-03", "Ordinær drift", nok("131 250,50")),
        ),
        others=(EffectOnOther(TRUSTS[0], nok("−18 400")), EffectOnOther(TRUSTS[2], nok("−9 120,50"))),
        maximum=nok("60 000 000"),
        used=nok("31 250 000"),
        other_requests=nok("2 100 000"),
        budget=(
            BudgetYear(2027, nok("1 300 000"), nok("100 000"), nok("1 104 000")),
            BudgetYear(2028, None, nok("0"), nok("1 575 000")),
        ),
        gains=(Gain("Spart tid", "2 minutter", nok("1 900 000"), "Mini-HTA", "Avdelingsleder"),),
        net_per_year=nok("325 000"),
        break_even=37058,
        evidence=(("CE-klasse", "IIb (2023)"), ("Klinisk utprøving", "Ingen oppgitt")),
        documents=(FiledPaper("DPIA", 2, "Godtatt 18.11.2026", sha256("dpia")),),
        guards=(
            GuardAnswer("Ramme", "passes", "22,5 mill. kr igjen", "Avtalen punkt 3"),
            GuardAnswer("Sertifikat", "warns", "Utløper 30.09.2027"),
            GuardAnswer("Budsjett", "refuses", "Ingen bevilgning for 2028"),
        ),
        statement="Det anbefales å aktivere.",
        price_book="v4",
        scenario="S-12@3",
        dossier_hash=sha256("sak"),
        language=language,
    )


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def text_of(paper: Paper) -> str:
    pdf = print_paper(paper, WRITE)
    return squeezed("".join(sheet.extract_text() for sheet in pypdf.PdfReader(BytesIO(pdf)).pages))


SAID: list[Any] = [
    pytest.param(
        letter,
        "nb",
        [
            "Innsigelse mot faktura F-20261015",
            "faktura F-20261015 av 15. oktober 2026 for 3. kvartal 2026",
            "vi bestrider til sammen 13 469,50 kr ekskl. mva.",
            "3 CT lunge Trinn er regnet per HF. TIER_SCOPE 184 200,00 171 450,50 12 749,50",
            "Sum 206 640,00 193 170,50 13 469,50",
            "Kreditnota på 13 469,50 kr ekskl. mva., med henvisning til faktura F-20261015, innen 15. desember 2026.",
            "holder vi betalingen av hele fakturaen tilbake",
            "Kontakt Kari Nordmann kari@example.org",
        ],
        id="dispute nb",
    ),
    pytest.param(
        letter,
        "en",
        [
            "we dispute NOK 13,469.50 in all",
            "Sum 206,640.00 193,170.50 13,469.50",
            "A credit note of NOK 13,469.50 excl. VAT, referring to invoice F-20261015, by 15 December 2026.",
        ],
        id="dispute en",
    ),
    pytest.param(
        protocol,
        "nb",
        [
            "Avstemmingsprotokoll for 3. kvartal 2026",
            "Rammeavtale 2021/1234 mellom Sykehuspartner HF og Eksempel Medisinsk AI AS",
            "Det er fakturert 1 272 670,50 kr ekskl. mva.",
            "Differansen er −0,46 kr",
            "Sum −0,46",
            f"Kreditnota K-1 02.11.2026 {sha256('kreditnota')} −11 640,00",
            f"Faktura F-1 15.10.2026 {sha256('faktura')} 1 284 310,50",
            "NO-R-002 F-1 Foretaksregisteret mangler",
            "INN-2026-7 20.10.2026 Kreditert 11 640,00 11 640,00",
            "Sykehuset Østfold HF 4101 mangler 272 670,33",
            "Til betaling 1 272 670,50",
            f"Kjøringens hash {sha256('kjøring')}",
            "Volum kjent til 10.10.2026 kl. 10.00",
            "Toleranser T-2",
            "Attestert av Kari Nordmann Økonomikontroller 20.11.2026 kl. 10.12",
            "Anvist av Ola Ås Anviser 23.11.2026 kl. 14.05",
        ],
        id="protocol nb",
    ),
    pytest.param(
        protocol,
        "en",
        [
            "Reconciliation protocol for Q3 2026",
            "The difference is −NOK 0.46",
            "Credit note K-1 2 November 2026",
            "Attested by Kari Nordmann",
            "Sykehuset Østfold HF 4101 missing 272,670.33",
        ],
        id="protocol en",
    ),
    pytest.param(
        decision,
        "nb",
        [
            "Beslutningsgrunnlag: CT lungeemboli (Eksempel 3.1) ved Sykehuset Østfold HF",
            "Lagt fram 24.11.2026 kl. 10.00 av Per Lund",
            "Forventet kostnad til avtalens slutt er 3 412 500,00 kr ekskl. mva.; i ni av ti simuleringer blir den høyst "
            "4 120 800,75 kr.",
            "Opplæring er ikke gjennomført.",
            "februar 2027 Innføring, 50 % rabatt 29 000,10",
            "Sum 160 250,60",
            "Universitetssykehuset Nord-Norge HF −9 120,50 Sum −27 520,50",
            "Igjen etter denne 22 529 199,25",
            "Forventet for helseforetaket selv 3 440 020,50 Forventet for de andre helseforetakene −27 520,50",
            "2027 1 300 000,00 100 000,00 1 104 000,00 96 000,00",
            "2028 mangler 0,00 1 575 000,00 mangler",
            "Netto per år er 325 000,00 kr, og gevinsten dekker kostnaden fra 37 058 undersøkelser i året.",
            "Klinisk utprøving Ingen oppgitt",
            "Ramme I orden 22,5 mill. kr igjen (Avtalen punkt 3)",
            "Sertifikat Advarsel Utløper 30.09.2027",
            "Budsjett Hindrer Ingen bevilgning for 2028",
            f"DPIA 2 Godtatt 18.11.2026 {sha256('dpia')}",
            f"Sakens hash {sha256('sak')}",
            "Det anbefales å aktivere.",
        ],
        id="decision nb",
    ),
    pytest.param(
        decision,
        "en",
        ["Decision paper: CT lungeemboli", "at most NOK 4,120,800.75", "Left after this one 22,529,199.25"],
        id="decision en",
    ),
]


@pytest.mark.parametrize(("make", "language", "said"), SAID)
def test_a_paper_says_it_all(make: Callable[[Language], Paper], language: Language, said: list[str]) -> None:
    text = text_of(make(language))
    assert [words for words in said if squeezed(words) not in text] == []


@pytest.mark.parametrize("make", [letter, protocol, decision])
def test_the_same_values_give_the_same_bytes(make: Callable[[], Paper]) -> None:
    assert print_paper(make(), WRITE) == print_paper(make(), WRITE)


@pytest.mark.parametrize(
    "table",
    [dispute_letter.TEXTS, reconciliation_protocol.TEXTS, decision_paper.TEXTS],
    ids=["dispute", "protocol", "decision"],
)
def test_every_text_exists_in_both_languages_with_the_same_gaps(table: Texts) -> None:
    gaps = {
        language: {key: {gap for _, gap, _, _ in string.Formatter().parse(text) if gap} for key, text in words.items()}
        for language, words in table.items()
    }
    assert gaps["nb"] == gaps["en"]


CONTRADICTIONS: list[Any] = [
    pytest.param(letter, {"lines": ()}, "needs lines", id="a dispute of nothing"),
    pytest.param(letter, {"answer_by": date(2026, 11, 23)}, "before the letter", id="an answer due yesterday"),
    pytest.param(letter, {"demanded": None}, "is demanded", id="a credit of no amount"),
    pytest.param(letter, {"demanded": nok("13 469,51")}, "is demanded", id="more credit than is disputed"),
    pytest.param(letter, {"demanded": nok("0")}, "is demanded", id="a credit of nothing"),
    pytest.param(protocol, {"invoiced": nok("1 272 670,51")}, "the documents sum", id="documents"),
    pytest.param(protocol, {"expected": nok("1 272 670,95")}, "the causes sum", id="causes"),
    pytest.param(protocol, {"payable": nok("1 272 670,49")}, "the allocations sum", id="allocations"),
    pytest.param(protocol, {"approved": protocol().attested}, "one person", id="one person twice"),
    pytest.param(
        decision, {"gains": (Gain("Ventetid", "?", None, None, "Sjef"),)}, "a gain's amount", id="a net of the unknown"
    ),
    pytest.param(decision, {"gains": ()}, "a gain's amount", id="a net without gains"),
    pytest.param(decision, {"net_per_year": None}, "without a net", id="break-even without a net"),
]


@pytest.mark.parametrize(("make", "changes", "words"), CONTRADICTIONS)
def test_a_paper_that_contradicts_itself_is_not_made(
    make: Callable[[], Any], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        replace(make(), **changes)


@given(øre=st.lists(st.integers(-(10**9), 10**9), max_size=8), off=st.integers(-3, 3))
@settings(max_examples=200, deadline=None)
def test_a_protocol_holds_to_the_øre_or_is_refused(øre: list[int], off: int) -> None:
    amounts = [Decimal(value) / 100 for value in øre]
    causes = tuple(CauseSum("QTY_DIFF", "Antall", 1, amount) for amount in amounts)
    expected = protocol().invoiced - sum(amounts, Decimal(0)) + Decimal(off) / 100
    if off:
        with pytest.raises(ValueError, match="the causes sum"):
            replace(protocol(), causes=causes, expected=expected)
    else:
        assert replace(protocol(), causes=causes, expected=expected).difference == sum(amounts, Decimal(0))


ASKED: list[Any] = [
    pytest.param("CNF", "Kreditnota på hele fakturaen F-20261015, og ny faktura med riktig beløp", id="in full"),
    pytest.param("PIN", "Opplysningene som mangler om linjene ovenfor", id="information"),
    pytest.param("NIN", "Ny faktura til erstatning for faktura F-20261015", id="new invoice"),
]


@pytest.mark.parametrize(("wanted", "words"), ASKED)
def test_a_dispute_says_what_is_wanted(wanted: Any, words: str) -> None:
    text = text_of(replace(letter(), wanted=wanted, demanded=None, hold="none", evidence=False))
    assert squeezed(words) in text
    assert "Kreditnotapå13" not in text
    assert "tilbake" not in text
    assert "liggervedsomfil" not in text


@pytest.mark.parametrize(
    ("hold", "words"),
    [("whole", "betalingen av hele fakturaen tilbake"), ("part", "det bestridte beløpet tilbake: 13 469,50 kr")],
)
def test_a_dispute_says_how_much_is_withheld(hold: Any, words: str) -> None:
    text = text_of(replace(letter(), hold=hold))
    assert squeezed(words) in text
    assert ("helefakturaentilbake" in text) == (hold == "whole")


@pytest.mark.parametrize(("language", "role"), [("nb", "Økonomikontroller"), ("en", "Finance controller")])
def test_a_protocol_tells_who_signed_what_in_words_and_no_code(language: Language, role: str) -> None:
    text = text_of(protocol(language))
    assert squeezed(role) in text
    assert squeezed("Kontrollert mot avtalen.") in text
    assert squeezed("Anvist til betaling.") in text
    assert not re.search(r"finance_controller|credited", text)


def test_a_dispute_for_the_next_invoice_names_the_amount_and_no_credit_note() -> None:
    text = text_of(replace(letter(), wanted="OTH"))
    assert squeezed("At 13 469,50 kr ekskl. mva. trekkes fra på neste faktura") in text
    assert "Kreditnota" not in text
    with pytest.raises(ValueError, match="demanded"):
        replace(letter(), wanted="OTH", demanded=None)


def test_what_the_sender_adds_stands_in_the_letter_as_it_was_written() -> None:
    added = "En uke i mai er talt to ganger, se #vedlegg."
    assert squeezed(added) in text_of(replace(letter(), message=added))
    assert squeezed(added) not in text_of(letter())


def test_a_quarter_without_a_difference_says_that() -> None:
    equal = replace(
        protocol(), expected=protocol().invoiced, causes=(), findings=(), disputes=(), attested=None, approved=None
    )
    text = text_of(equal)
    for words in (
        "Fakturert beløp er lik forventet beløp: 1 272 670,50 kr ekskl. mva.",
        "Ingen differanse.",
        "Ingen funn.",
        "Ingen innsigelser.",
        "Attestert av Ikke utført",
    ):
        assert squeezed(words) in text


def test_a_decision_paper_names_what_is_unknown() -> None:
    unknown = replace(
        decision(),
        maximum=None,
        per_examination=None,
        gains=(*decision().gains, Gain("Ventetid", "Ikke tallfestet", None, None, "Fagdirektør")),
        net_per_year=None,
        break_even=None,
        others=(),
        budget=(),
        months=(),
        open_points=(),
    )
    text = text_of(unknown)
    assert unknown.headroom is None
    for words in (
        "Avtalens høyeste verdi mangler",
        "Igjen etter denne mangler",
        "Forventet per undersøkelse etter innføringen mangler",
        "Netto per år er ikke regnet, fordi minst én gevinst ikke har noe beløp.",
        "Ventetid Ikke tallfestet mangler Fagdirektør mangler",
        "Ingen virkning for andre.",
        "Ingen bevilgning er registrert.",
        "Ingen måneder er beregnet.",
        "Ingenting er uavklart.",
    ):
        assert squeezed(words) in text
    assert "Etminusbetyr" not in text


def test_a_net_without_a_known_volume_says_so() -> None:
    assert squeezed("Gevinsten dekker aldri kostnaden, uansett volum.") in text_of(replace(decision(), break_even=None))


def test_a_maximum_of_zero_is_a_maximum() -> None:
    assert replace(decision(), maximum=Decimal(0)).headroom == nok("−37 470 800,75")


def test_the_protocol_carries_its_lines() -> None:
    held = StringIO()
    csv.writer(held, delimiter=";").writerows([["linje", "beløp"], ["1", "12 749,50"]])
    lines = Attachment("linjer.csv", held.getvalue().encode("utf-8-sig"), "text/csv", "Linjene i avstemmingen")
    pdf = pypdf.PdfReader(BytesIO(print_paper(protocol(), WRITE, attachments=(lines,))))
    (content,) = pdf.attachments["linjer.csv"]
    assert list(csv.reader(StringIO(content.decode("utf-8-sig")), delimiter=";")) == [
        ["linje", "beløp"],
        ["1", "12 749,50"],
    ]
    text = squeezed("".join(sheet.extract_text() for sheet in pdf.pages))
    assert squeezed(f"linjer.csv – Linjene i avstemmingen SHA-256: {hashlib.sha256(lines.content).hexdigest()}") in text
