"""The paper on which an activation is decided: what, at what cost and gain, within which limits, and what is open.

It is made of a dossier as it was frozen at submission and names the dossier's hash. What is unknown is said to be unknown:
a gain without an amount has none, and no sum is made of a part of the gains.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from contracts.papers.blocks import Bars, Block, Column, Data, Facts, Heading, Notice, Paragraph, Table
from contracts.papers.frame import Texts, document_data, fill
from contracts.papers.writing import Writing
from contracts.terms.written import Language

Outcome = Literal["passes", "warns", "refuses"]

TEXTS: Final[Texts] = {
    "nb": {
        "title": "Beslutningsgrunnlag: {product} ved {trust}",
        "subtitle": "Rammeavtale {agreement}. Lagt fram {submitted} av {by}",
        "ask": "Det søkes om å ta i bruk {product} ved {trust} fra {go_live}. Forventet kostnad til avtalens slutt er "
        "{expected} ekskl. mva.; i ni av ti simuleringer blir den høyst {p90}.",
        "ask_own": "Det søkes om å ta i bruk {product} ved {trust} fra {go_live}. Forventet kostnad for helseforetaket selv til "
        "avtalens slutt er {own} ekskl. mva.",
        "untold": "Dette er helseforetakets utgave. Den viser ikke rammen, som er felles, og av virkningen for andre bare det som "
        "ikke røper ett enkelt helseforetak.",
        "trust": "Helseforetak",
        "product": "Algoritme",
        "need": "Behov",
        "vendor": "Leverandør",
        "go_live": "Planlagt driftsstart",
        "agreement_end": "Avtalen løper til",
        "open": "Uavklart",
        "nothing_open": "Ingenting er uavklart.",
        "cost": "Kostnad (kr ekskl. mva.)",
        "figure": "Størrelse",
        "amount": "Beløp",
        "own": "Forventet for helseforetaket selv",
        "on_others": "Forventet for de andre helseforetakene",
        "expected": "Forventet til avtalens slutt, i alt",
        "p90": "P90: i ni av ti simuleringer høyst",
        "first_year": "Forventet de første tolv månedene",
        "per_exam": "Forventet per undersøkelse etter innføringen",
        "months": "Forventet kostnad per måned gjennom innføringen (kr ekskl. mva.)",
        "month": "Måned",
        "phase": "Fase",
        "months_own": "Forventet kostnad per måned for helseforetaket selv gjennom innføringen (kr ekskl. mva.)",
        "no_months": "Ingen måneder er beregnet.",
        "sum": "Sum",
        "others": "Virkning for de andre helseforetakene gjennom felles trinn (kr ekskl. mva.)",
        "others_note": "Et minus betyr at helseforetaket betaler mindre fordi volumet her bringer alle lenger opp i trinnene.",
        "change": "Endring",
        "no_others": "Ingen virkning for andre.",
        "limits": "Ramme og budsjett",
        "ceiling": "Rammen (kr ekskl. mva.)",
        "maximum": "Avtalens høyeste verdi",
        "used": "Brukt og bundet",
        "requested": "Andre søknader, P90",
        "this": "Denne søknaden, P90",
        "headroom": "Igjen etter denne",
        "budget": "Budsjett (kr ekskl. mva.)",
        "year": "År",
        "funded": "Budsjett",
        "bound": "Brukt og bundet",
        "cost_of_year": "Denne planen",
        "left": "Igjen etterpå",
        "no_budget": "Ingen bevilgning er registrert.",
        "gains": "Ventede gevinster",
        "gain": "Gevinst",
        "size": "Omfang",
        "per_year": "Kr per år",
        "source": "Kilde",
        "owner": "Ansvarlig",
        "no_gains": "Ingen gevinster er beskrevet.",
        "net": "Netto per år er {net}, og gevinsten dekker kostnaden fra {volume} undersøkelser i året.",
        "net_only": "Netto per år er {net}. Gevinsten dekker aldri kostnaden, uansett volum.",
        "net_unknown": "Netto per år er ikke regnet, fordi minst én gevinst ikke har noe beløp.",
        "net_no_year": "Netto per år er ikke regnet, fordi kostnaden av et helt ordinært år ikke kan beregnes.",
        "evidence": "Dokumentasjon av algoritmen",
        "documents": "Dokumenter i saken",
        "document": "Dokument",
        "version": "Versjon",
        "state": "Status",
        "sha256": "SHA-256",
        "no_documents": "Ingen dokumenter.",
        "guards": "Kontroller",
        "guard": "Kontroll",
        "outcome": "Utfall",
        "found": "Funnet",
        "passes": "I orden",
        "warns": "Advarsel",
        "refuses": "Hindrer",
        "no_guards": "Ingen kontroller.",
        "statement": "Innstilling",
        "frozen": "Grunnlaget",
        "hash": "Sakens hash",
        "price_book": "Prisliste",
        "scenario": "Framskrivning",
        "frozen_text": "Tallene og dokumentene er frosset da saken ble lagt fram. Endres beløp, dato, prisliste eller et "
        "dokument, må saken legges fram på nytt.",
    },
    "en": {
        "title": "Decision paper: {product} at {trust}",
        "subtitle": "Framework agreement {agreement}. Submitted {submitted} by {by}",
        "ask": "It is asked that {product} be taken into use at {trust} from {go_live}. The expected cost to the end of the "
        "agreement is {expected} excl. VAT; in nine of ten simulations it is at most {p90}.",
        "ask_own": "It is asked that {product} be taken into use at {trust} from {go_live}. The expected cost for the trust itself to "
        "the end of the agreement is {own} excl. VAT.",
        "untold": "This is the trust's edition. It does not show the ceiling, which all share, and of the effect on others only what "
        "gives no single trust away.",
        "trust": "Hospital trust",
        "product": "Algorithm",
        "need": "Need",
        "vendor": "Vendor",
        "go_live": "Planned go-live",
        "agreement_end": "The agreement runs until",
        "open": "Open",
        "nothing_open": "Nothing is open.",
        "cost": "Cost (NOK excl. VAT)",
        "figure": "Figure",
        "amount": "Amount",
        "own": "Expected for the trust itself",
        "on_others": "Expected for the other trusts",
        "expected": "Expected to the end of the agreement, in all",
        "p90": "P90: at most, in nine of ten simulations",
        "first_year": "Expected in the first twelve months",
        "per_exam": "Expected per examination after the ramp-up",
        "months": "Expected cost by month through the ramp-up (NOK excl. VAT)",
        "month": "Month",
        "phase": "Phase",
        "months_own": "Expected cost by month for the trust itself through the ramp-up (NOK excl. VAT)",
        "no_months": "No months are computed.",
        "sum": "Sum",
        "others": "Effect on the other hospital trusts through shared tiers (NOK excl. VAT)",
        "others_note": "A minus means that the trust pays less, because the volume here takes all of them further up the "
        "tiers.",
        "change": "Change",
        "no_others": "No effect on others.",
        "limits": "Ceiling and budget",
        "ceiling": "The ceiling (NOK excl. VAT)",
        "maximum": "Maximum value of the agreement",
        "used": "Used and committed",
        "requested": "Other requests, P90",
        "this": "This request, P90",
        "headroom": "Left after this one",
        "budget": "Budget (NOK excl. VAT)",
        "year": "Year",
        "funded": "Budget",
        "bound": "Used and bound",
        "cost_of_year": "This plan",
        "left": "Left after it",
        "no_budget": "No funding is registered.",
        "gains": "Expected gains",
        "gain": "Gain",
        "size": "Size",
        "per_year": "NOK a year",
        "source": "Source",
        "owner": "Owner",
        "no_gains": "No gains are described.",
        "net": "The net per year is {net}, and the gain covers the cost from {volume} examinations a year.",
        "net_only": "The net per year is {net}. The gain never covers the cost, whatever the volume.",
        "net_unknown": "The net per year is not computed, because at least one gain has no amount.",
        "net_no_year": "The net per year is not computed, because the cost of a whole ordinary year cannot be rated.",
        "evidence": "Evidence of the algorithm",
        "documents": "Documents of the case",
        "document": "Document",
        "version": "Version",
        "state": "Status",
        "sha256": "SHA-256",
        "no_documents": "No documents.",
        "guards": "Checks",
        "guard": "Check",
        "outcome": "Outcome",
        "found": "Found",
        "passes": "In order",
        "warns": "Warning",
        "refuses": "Refuses",
        "no_guards": "No checks.",
        "statement": "Recommendation",
        "frozen": "What it rests on",
        "hash": "Hash of the case",
        "price_book": "Price list",
        "scenario": "Projection",
        "frozen_text": "Figures and documents were frozen at submission. If an amount, a date, the price list or a document "
        "changes, the case has to be submitted again.",
    },
}


@dataclass(frozen=True, slots=True)
class MonthCost:
    """The expected cost of a month (`2027-02`), and the phase it lies in, in words."""

    month: str
    phase: str
    expected: Decimal


@dataclass(frozen=True, slots=True)
class EffectOnOther:
    """How much another trust's cost changes through shared tiers; below zero it pays less."""

    trust: str
    change: Decimal


@dataclass(frozen=True, slots=True)
class BudgetYear:
    """A year's budget of the cost centre (None where none is approved), what of it is bound, and what the plan costs it."""

    year: int
    funded: Decimal | None
    bound: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Gain:
    """An expected gain: what, how much in words, in kroner a year where known, its source, and who answers for it."""

    what: str
    size: str
    per_year: Decimal | None
    source: str | None
    owner: str


@dataclass(frozen=True, slots=True)
class FiledPaper:
    """A document of the case at the version that counts; `state` in words, such as who accepted it."""

    title: str
    version: int
    state: str
    sha256: str


@dataclass(frozen=True, slots=True)
class GuardAnswer:
    """What a check answered: its name and sentence in the paper's language, with the clause where it rests on one."""

    name: str
    outcome: Outcome
    sentence: str
    clause: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionPaper:
    """What an approver decides on, in kroner excluding VAT, as frozen at submission.

    `own` and `others` sum to `expected`. With `whole` unset it is the edition of the trust's own readers: without the ceiling, months
    of the own cost, and `expected` and `p90` None where they may not be told. `agreement_end` is the last day. `maximum` is None where the agreement has none. `evidence` are names with what is
    known, "none given" among it. `net_per_year` (of a year at ordinary prices) and `break_even` are known only where every gain has an amount. Raises
    `ValueError` for a net that is given although a gain's amount is unknown, and for a break-even volume without a net.
    """

    sender: str
    agreement: str
    reference: str
    on: date
    trust: str
    product: str
    need: str
    vendor: str
    go_live: date
    agreement_end: date
    submitted_at: datetime
    submitted_by: str
    open_points: tuple[str, ...]
    expected: Decimal | None
    own: Decimal
    p90: Decimal | None
    first_year: Decimal
    per_examination: Decimal | None
    months: tuple[MonthCost, ...]
    others: tuple[EffectOnOther, ...]
    maximum: Decimal | None
    used: Decimal
    other_requests: Decimal
    budget: tuple[BudgetYear, ...]
    gains: tuple[Gain, ...]
    net_per_year: Decimal | None
    break_even: int | None
    evidence: tuple[tuple[str, str], ...]
    documents: tuple[FiledPaper, ...]
    guards: tuple[GuardAnswer, ...]
    statement: str
    price_book: str
    scenario: str
    dossier_hash: str
    language: Language = "nb"
    example: bool = False
    whole: bool = True

    def __post_init__(self) -> None:
        if self.whole and (self.expected is None or self.p90 is None):
            raise ValueError("a whole paper says what is expected in all, and P90")
        if self.net_per_year is not None and (not self.gains or any(gain.per_year is None for gain in self.gains)):
            raise ValueError("a net is given although a gain's amount is unknown")
        if self.break_even is not None and self.net_per_year is None:
            raise ValueError("a break-even volume is given without a net")

    @property
    def headroom(self) -> Decimal | None:
        """Maximum less used, other requests and this one; None where the agreement has no maximum."""
        if self.maximum is None or self.p90 is None:
            return None
        return self.maximum - self.used - self.other_requests - self.p90

    @property
    def template(self) -> str:
        return "document"

    def title(self, write: Writing) -> str:
        return fill(TEXTS, self.language, "title", product=self.product, trust=self.trust)

    def to_data(self, write: Writing) -> Data:
        words = TEXTS[self.language]
        net = [Paragraph(self._net(write), strong=True)] if self.gains else []
        blocks: tuple[Block, ...] = (
            Paragraph(self._ask(write)),
            *([] if self.whole else [Paragraph(words["untold"])]),
            Notice(words["open"], "\n".join(self.open_points) or words["nothing_open"]),
            self._facts(write),
            Heading(words["statement"]),
            Paragraph(self.statement or write.missing(self.language)),
            self._figures(write),
            self._months(write),
            *([self._others(write)] if self.whole or self.others else []),
            *([Paragraph(words["others_note"])] if self.others else []),
            Heading(words["limits"]),
            *([self._ceiling(write)] if self.whole else []),
            self._budget(write),
            self._gains(write),
            *net,
            Heading(words["evidence"]),
            Facts(self.evidence),
            self._guards(),
            self._documents(write),
            Heading(words["frozen"]),
            Paragraph(words["frozen_text"]),
            Facts(
                (
                    (words["hash"], self.dossier_hash),
                    (words["price_book"], self.price_book),
                    (words["scenario"], self.scenario),
                ),
                code=frozenset({words["hash"]}),
            ),
        )
        subtitle = fill(
            TEXTS,
            self.language,
            "subtitle",
            agreement=self.agreement,
            submitted=write.moment(self.submitted_at, self.language),
            by=self.submitted_by,
        )
        return document_data(
            sender=self.sender,
            agreement=self.agreement,
            reference=self.reference,
            subtitle=subtitle,
            language=self.language,
            example=self.example,
            blocks=blocks,
        )

    def _ask(self, write: Writing) -> str:
        values = {
            "product": self.product,
            "trust": self.trust,
            "go_live": write.day_long(self.go_live, self.language),
        }
        if self.expected is None or self.p90 is None:
            return fill(TEXTS, self.language, "ask_own", own=write.money(self.own, self.language), **values)
        expected, p90 = write.money(self.expected, self.language), write.money(self.p90, self.language)
        return fill(TEXTS, self.language, "ask", expected=expected, p90=p90, **values)

    def _facts(self, write: Writing) -> Facts:
        words = TEXTS[self.language]
        return Facts(
            (
                (words["trust"], self.trust),
                (words["product"], self.product),
                (words["need"], self.need),
                (words["vendor"], self.vendor),
                (words["go_live"], write.day_long(self.go_live, self.language)),
                (words["agreement_end"], write.day_long(self.agreement_end, self.language)),
            )
        )

    def _amounts(self, caption: str, rows: tuple[tuple[str, Decimal | None], ...], write: Writing) -> Table:
        words = TEXTS[self.language]
        return Table(
            caption=words[caption],
            columns=(Column(words["figure"], 3), Column(words["amount"], 1, "number")),
            rows=tuple((words[key], self._amount(value, write)) for key, value in rows),
            empty="",
        )

    def _amount(self, value: Decimal | None, write: Writing) -> str:
        return write.missing(self.language) if value is None else write.amount(value, self.language)

    def _figures(self, write: Writing) -> Table:
        rows: tuple[tuple[str, Decimal | None], ...] = (
            ("own", self.own),
            ("on_others", None if self.expected is None else self.expected - self.own),
            ("expected", self.expected),
            ("p90", self.p90),
            ("first_year", self.first_year),
            ("per_exam", self.per_examination),
        )
        # What is kept from the trust's readers is no unknown amount: it is not in their edition.
        untold = {"on_others", "expected", "p90"}
        return self._amounts("cost", tuple(row for row in rows if row[1] is not None or row[0] not in untold), write)

    def _ceiling(self, write: Writing) -> Table:
        rows = (
            ("maximum", self.maximum),
            ("used", self.used),
            ("requested", self.other_requests),
            ("this", self.p90),
            ("headroom", self.headroom),
        )
        return self._amounts("ceiling", rows, write)

    def _months(self, write: Writing) -> Bars:
        language, words = self.language, TEXTS[self.language]
        total = sum((month.expected for month in self.months), Decimal(0))
        return Bars(
            caption=words["months" if self.whole else "months_own"],
            columns=(Column(words["month"]), Column(words["phase"]), Column(words["amount"], 0, "number")),
            rows=tuple(
                (
                    (write.month(month.month, language), month.phase, write.amount(month.expected, language)),
                    month.expected,
                )
                for month in self.months
            ),
            empty=words["no_months"],
            foot=(words["sum"], "", write.amount(total, language)),
        )

    def _others(self, write: Writing) -> Table:
        language, words = self.language, TEXTS[self.language]
        total = sum((other.change for other in self.others), Decimal(0))
        return Table(
            caption=words["others"],
            columns=(Column(words["trust"], 3), Column(words["change"], 1, "number")),
            rows=tuple((other.trust, write.amount(other.change, language)) for other in self.others),
            empty=words["no_others"],
            foot=(words["sum"], write.amount(total, language)),
        )

    def _budget(self, write: Writing) -> Table:
        words = TEXTS[self.language]
        return Table(
            caption=words["budget"],
            columns=(
                Column(words["year"], 1),
                Column(words["funded"], 1, "number"),
                Column(words["bound"], 1, "number"),
                Column(words["cost_of_year"], 1, "number"),
                Column(words["left"], 1, "number"),
            ),
            rows=tuple(
                (
                    str(year.year),
                    self._amount(year.funded, write),
                    self._amount(year.bound, write),
                    self._amount(year.cost, write),
                    self._amount(None if year.funded is None else year.funded - year.bound - year.cost, write),
                )
                for year in self.budget
            ),
            empty=words["no_budget"],
        )

    def _gains(self, write: Writing) -> Table:
        words = TEXTS[self.language]
        missing = write.missing(self.language)
        return Table(
            caption=words["gains"],
            columns=(
                Column(words["gain"], 3),
                Column(words["size"], 3),
                Column(words["source"], 3),
                Column(words["owner"], 2),
                Column(words["per_year"], 0, "number"),
            ),
            rows=tuple(
                (gain.what, gain.size, gain.source or missing, gain.owner, self._amount(gain.per_year, write))
                for gain in self.gains
            ),
            empty=words["no_gains"],
        )

    def _net(self, write: Writing) -> str:
        if self.net_per_year is None:
            known = all(gain.per_year is not None for gain in self.gains)
            return TEXTS[self.language]["net_no_year" if known else "net_unknown"]
        net = write.money(self.net_per_year, self.language)
        if self.break_even is None:
            return fill(TEXTS, self.language, "net_only", net=net)
        volume = write.quantity(self.break_even, self.language)
        return fill(TEXTS, self.language, "net", net=net, volume=volume)

    def _guards(self) -> Table:
        words = TEXTS[self.language]
        return Table(
            caption=words["guards"],
            columns=(Column(words["guard"], 2), Column(words["outcome"]), Column(words["found"], 4)),
            rows=tuple(
                (
                    guard.name,
                    words[guard.outcome],
                    f"{guard.sentence} ({guard.clause})" if guard.clause else guard.sentence,
                )
                for guard in self.guards
            ),
            empty=words["no_guards"],
        )

    def _documents(self, write: Writing) -> Table:
        words = TEXTS[self.language]
        return Table(
            caption=words["documents"],
            columns=(
                Column(words["document"], 3),
                Column(words["version"], 0, "number"),
                Column(words["state"], 3),
                Column(words["sha256"], 4, "code"),
            ),
            rows=tuple(
                (
                    document.title,
                    write.quantity(document.version, self.language),
                    document.state,
                    document.sha256,
                )
                for document in self.documents
            ),
            empty=words["no_documents"],
        )
