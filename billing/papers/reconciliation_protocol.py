"""The protocol of a reconciled quarter: what was billed, what was due, why they differ, who pays, who answers for it.

A protocol is made of one frozen run. It names the run's hash, so that whoever runs the same snapshot again can see that it
is the same, and carries the lines as a file inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from contracts.papers.blocks import Block, Column, Data, Facts, Heading, Paragraph, Signatures, Signing, Table
from contracts.papers.frame import Organisation, Texts, document_data, fill
from contracts.papers.writing import Writing
from contracts.terms.written import Language

DisputeState = Literal["drafted", "sent", "questioned", "declined", "agreed", "partly_agreed", "credited", "withdrawn"]
# The states whose word stands among the texts as another one's too.
_STATE_WORDS: Final = {"credited": "got"}

TEXTS: Final[Texts] = {
    "nb": {
        "title": "Avstemmingsprotokoll for {quarter}",
        "subtitle": "Rammeavtale {agreement} mellom {buyer} og {vendor}",
        "summary_equal": "Fakturert beløp er lik forventet beløp: {invoiced} ekskl. mva.",
        "summary": "Det er fakturert {invoiced} ekskl. mva. Etter avtalen og registrert volum er {expected} riktig. "
        "Differansen er {difference} og er fordelt på årsaker nedenfor.",
        "figures": "Hovedtall (kr ekskl. mva.)",
        "figure": "Størrelse",
        "amount": "Beløp",
        "invoiced": "Fakturert",
        "expected": "Forventet",
        "difference": "Differanse",
        "disputed": "Bestridt i alt",
        "credited": "Kreditert etter innsigelse",
        "payable": "Til betaling",
        "documents": "Bilag i avstemmingen (kr ekskl. mva.)",
        "document": "Bilag",
        "invoice": "Faktura",
        "credit_note": "Kreditnota",
        "issued": "Dato",
        "sha256": "SHA-256",
        "no_documents": "Ingen bilag.",
        "sum": "Sum",
        "causes": "Differanse etter årsak (kr ekskl. mva.)",
        "cause": "Årsak",
        "code": "Kode",
        "lines": "Linjer",
        "no_causes": "Ingen differanse.",
        "findings": "Funn i bilagene",
        "rule": "Regel",
        "finding": "Funn",
        "no_findings": "Ingen funn.",
        "disputes": "Innsigelser og kreditnotaer (kr ekskl. mva.)",
        "dispute": "Innsigelse",
        "sent": "Sendt",
        "state": "Status",
        "wanted": "Krevd",
        "got": "Kreditert",
        "no_disputes": "Ingen innsigelser.",
        "drafted": "Skrevet, ikke sendt",
        "questioned": "Leverandøren spør",
        "declined": "Avslått av leverandøren",
        "agreed": "Avtalt, kreditnota ventes",
        "partly_agreed": "Delvis avtalt, kreditnota ventes",
        "withdrawn": "Trukket",
        "allocation": "Fordeling per helseforetak (kr ekskl. mva.)",
        "trust": "Helseforetak",
        "cost_centre": "Kostnadssted",
        "account": "Konto",
        "no_allocation": "Ingenting å fordele.",
        "run": "Grunnlaget",
        "run_text": "Kjøringen er frosset. Samme grunnlag gir samme kjøring, bit for bit; det som er kommet senere, er ikke "
        "med. Linjene ligger i filen som er lagt ved i dette dokumentet.",
        "run_hash": "Kjøringens hash",
        "cutoff": "Volum kjent til",
        "price_book": "Prisliste",
        "tolerance": "Toleranser",
        "people": "Attestasjon og anvisning",
        "attested": "Attestert av",
        "approved": "Anvist av",
        "attested_as": "Økonomikontroller",
        "approved_as": "Anviser",
        "not_yet": "Ikke utført",
        "none": "–",
    },
    "en": {
        "title": "Reconciliation protocol for {quarter}",
        "subtitle": "Framework agreement {agreement} between {buyer} and {vendor}",
        "summary_equal": "The amount invoiced is the amount expected: {invoiced} excl. VAT.",
        "summary": "{invoiced} excl. VAT has been invoiced. By the agreement and the recorded volume {expected} is right. "
        "The difference is {difference} and is split by cause below.",
        "figures": "Main figures (NOK excl. VAT)",
        "figure": "Figure",
        "amount": "Amount",
        "invoiced": "Invoiced",
        "expected": "Expected",
        "difference": "Difference",
        "disputed": "Disputed in all",
        "credited": "Credited after dispute",
        "payable": "Payable",
        "documents": "Documents reconciled (NOK excl. VAT)",
        "document": "Document",
        "invoice": "Invoice",
        "credit_note": "Credit note",
        "issued": "Date",
        "sha256": "SHA-256",
        "no_documents": "No documents.",
        "sum": "Sum",
        "causes": "Difference by cause (NOK excl. VAT)",
        "cause": "Cause",
        "code": "Code",
        "lines": "Lines",
        "no_causes": "No difference.",
        "findings": "Findings in the documents",
        "rule": "Rule",
        "finding": "Finding",
        "no_findings": "No findings.",
        "disputes": "Disputes and credit notes (NOK excl. VAT)",
        "dispute": "Dispute",
        "sent": "Sent",
        "state": "Status",
        "wanted": "Demanded",
        "got": "Credited",
        "no_disputes": "No disputes.",
        "drafted": "Written, not sent",
        "questioned": "The vendor asks",
        "declined": "Declined by the vendor",
        "agreed": "Agreed, credit note awaited",
        "partly_agreed": "Partly agreed, credit note awaited",
        "withdrawn": "Withdrawn",
        "allocation": "Allocation to the hospital trusts (NOK excl. VAT)",
        "trust": "Hospital trust",
        "cost_centre": "Cost centre",
        "account": "Account",
        "no_allocation": "Nothing to allocate.",
        "run": "What it rests on",
        "run_text": "The run is frozen. The same snapshot gives the same run, bit for bit; what came later is not in it. The "
        "lines are in the file attached inside this document.",
        "run_hash": "Hash of the run",
        "cutoff": "Usage known until",
        "price_book": "Price list",
        "tolerance": "Tolerances",
        "people": "Attestation and approval",
        "attested": "Attested by",
        "approved": "Approved by",
        "attested_as": "Finance controller",
        "approved_as": "Approver",
        "not_yet": "Not done",
        "none": "–",
    },
}


@dataclass(frozen=True, slots=True)
class ProtocolDocument:
    """An invoice or a credit note as it was received; `net` is signed: a credit note takes off."""

    kind: Literal["invoice", "credit_note"]
    number: str
    issued_on: date
    net: Decimal
    sha256: str


@dataclass(frozen=True, slots=True)
class CauseSum:
    """All differences of one cause: its code, a sentence in the protocol's language, how many lines, how much."""

    code: str
    sentence: str
    lines: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DocumentFinding:
    """What a document breaks: the official rule, the document's number, a sentence."""

    rule: str
    document: str
    sentence: str


@dataclass(frozen=True, slots=True)
class DisputeOutcome:
    """A dispute as it stands: its reference, when it was sent, its state, what was demanded and credited."""

    reference: str
    sent_on: date
    state: DisputeState
    demanded: Decimal
    credited: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one cost centre of a trust bears of the quarter; it and the account are None where none is registered."""

    trust: str
    cost_centre: str | None
    account: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Signed:
    """Who did it, when (aware), and the words that were signed."""

    person_id: str
    name: str
    at: datetime
    statement: str = ""


@dataclass(frozen=True, slots=True)
class ReconciliationProtocol:
    """The protocol of a quarter, in kroner excluding VAT.

    `credited` is what credit notes outside `documents` took off after disputes; `payable` is what is paid and is what the
    allocations sum to. `tolerance` names the tolerances' version. Raises `ValueError` where the documents do not sum to
    `invoiced`, the causes to the difference, or the allocations to `payable`, and where one person attested and approved.
    """

    buyer: Organisation
    vendor: Organisation
    agreement: str
    quarter: str
    reference: str
    on: date
    documents: tuple[ProtocolDocument, ...]
    invoiced: Decimal
    expected: Decimal
    disputed: Decimal
    credited: Decimal
    payable: Decimal
    causes: tuple[CauseSum, ...]
    findings: tuple[DocumentFinding, ...]
    disputes: tuple[DisputeOutcome, ...]
    allocations: tuple[Allocation, ...]
    run_hash: str
    usage_known_at: datetime
    price_book: str
    tolerance: str
    attested: Signed | None
    approved: Signed | None
    language: Language = "nb"
    example: bool = False

    def __post_init__(self) -> None:
        billed = sum((document.net for document in self.documents), Decimal(0))
        explained = sum((cause.amount for cause in self.causes), Decimal(0))
        allocated = sum((part.amount for part in self.allocations), Decimal(0))
        if billed != self.invoiced:
            raise ValueError(f"the documents sum to {billed}, not to {self.invoiced}")
        if explained != self.difference:
            raise ValueError(f"the causes sum to {explained}, not to {self.difference}")
        if allocated != self.payable:
            raise ValueError(f"the allocations sum to {allocated}, not to {self.payable}")
        if self.attested and self.approved and self.attested.person_id == self.approved.person_id:
            raise ValueError("one person cannot both attest and approve")

    @property
    def difference(self) -> Decimal:
        """Invoiced less expected: above zero where too much was billed."""
        return self.invoiced - self.expected

    @property
    def template(self) -> str:
        return "document"

    def title(self, write: Writing) -> str:
        return fill(TEXTS, self.language, "title", quarter=write.quarter(self.quarter, self.language))

    def to_data(self, write: Writing) -> Data:
        language, words = self.language, TEXTS[self.language]
        blocks: tuple[Block, ...] = (
            Paragraph(self._summary(write)),
            self._figures(write),
            self._causes(write),
            self._documents(write),
            self._findings(),
            self._disputes(write),
            self._allocations(write),
            Heading(words["run"]),
            Paragraph(words["run_text"]),
            Facts(
                (
                    (words["run_hash"], self.run_hash),
                    (words["cutoff"], write.moment(self.usage_known_at, language)),
                    (words["price_book"], self.price_book),
                    (words["tolerance"], self.tolerance),
                ),
                code=frozenset({words["run_hash"]}),
            ),
            Heading(words["people"]),
            Signatures(
                (self._signing("attested", self.attested, write), self._signing("approved", self.approved, write))
            ),
        )
        return document_data(
            sender=self.buyer.name,
            agreement=self.agreement,
            reference=self.reference,
            subtitle=fill(
                TEXTS,
                language,
                "subtitle",
                agreement=self.agreement,
                buyer=self.buyer.name,
                vendor=self.vendor.name,
            ),
            language=language,
            example=self.example,
            blocks=blocks,
        )

    def _summary(self, write: Writing) -> str:
        invoiced, expected, difference = (
            write.money(value, self.language) for value in (self.invoiced, self.expected, self.difference)
        )
        key = "summary" if self.difference else "summary_equal"
        return fill(TEXTS, self.language, key, invoiced=invoiced, expected=expected, difference=difference)

    def _figures(self, write: Writing) -> Table:
        words = TEXTS[self.language]
        figures = (
            ("invoiced", self.invoiced),
            ("expected", self.expected),
            ("difference", self.difference),
            ("disputed", self.disputed),
            ("credited", self.credited),
            ("payable", self.payable),
        )
        return Table(
            caption=words["figures"],
            columns=(Column(words["figure"], 3), Column(words["amount"], 1, "number")),
            rows=tuple((words[key], write.amount(value, self.language)) for key, value in figures),
            empty="",
        )

    def _causes(self, write: Writing) -> Table:
        language, words = self.language, TEXTS[self.language]
        return Table(
            caption=words["causes"],
            columns=(
                Column(words["code"], 0, "code"),
                Column(words["cause"], 1),
                Column(words["lines"], 0, "number"),
                Column(words["amount"], 0, "number"),
            ),
            rows=tuple(
                (
                    cause.code,
                    cause.sentence,
                    write.quantity(cause.lines, language),
                    write.amount(cause.amount, language),
                )
                for cause in self.causes
            ),
            empty=words["no_causes"],
            # A line may have several causes: the lines of all causes do not add up to a number of lines.
            foot=(words["sum"], "", "", write.amount(self.difference, language)),
        )

    def _documents(self, write: Writing) -> Table:
        language, words = self.language, TEXTS[self.language]
        return Table(
            caption=words["documents"],
            columns=(
                Column(words["document"], 4),
                Column(words["issued"]),
                Column(words["sha256"], 6, "code"),
                Column(words["amount"], 0, "number"),
            ),
            rows=tuple(
                (
                    f"{words[document.kind]} {document.number}",
                    write.day(document.issued_on, language),
                    document.sha256,
                    write.amount(document.net, language),
                )
                for document in self.documents
            ),
            empty=words["no_documents"],
            foot=(words["sum"], "", "", write.amount(self.invoiced, language)),
        )

    def _findings(self) -> Table:
        words = TEXTS[self.language]
        return Table(
            caption=words["findings"],
            columns=(Column(words["rule"], 0, "code"), Column(words["document"]), Column(words["finding"], 1)),
            rows=tuple((finding.rule, finding.document, finding.sentence) for finding in self.findings),
            empty=words["no_findings"],
        )

    def _disputes(self, write: Writing) -> Table:
        language, words = self.language, TEXTS[self.language]
        demanded = sum((dispute.demanded for dispute in self.disputes), Decimal(0))
        credited = sum((dispute.credited for dispute in self.disputes), Decimal(0))
        return Table(
            caption=words["disputes"],
            columns=(
                Column(words["dispute"], 2),
                Column(words["sent"]),
                Column(words["state"], 3),
                Column(words["wanted"], 0, "number"),
                Column(words["got"], 0, "number"),
            ),
            rows=tuple(
                (
                    dispute.reference,
                    write.day(dispute.sent_on, language),
                    words[_STATE_WORDS.get(dispute.state, dispute.state)],
                    write.amount(dispute.demanded, language),
                    write.amount(dispute.credited, language),
                )
                for dispute in self.disputes
            ),
            empty=words["no_disputes"],
            foot=(words["sum"], "", "", write.amount(demanded, language), write.amount(credited, language)),
        )

    def _allocations(self, write: Writing) -> Table:
        language, words = self.language, TEXTS[self.language]
        return Table(
            caption=words["allocation"],
            columns=(
                Column(words["trust"], 1),
                Column(words["cost_centre"]),
                Column(words["account"]),
                Column(words["amount"], 0, "number"),
            ),
            rows=tuple(
                (
                    part.trust,
                    part.cost_centre or write.missing(language),
                    part.account or write.missing(language),
                    write.amount(part.amount, language),
                )
                for part in self.allocations
            ),
            empty=words["no_allocation"],
            foot=(words["sum"], "", "", write.amount(self.payable, language)),
        )

    def _signing(self, act: Literal["attested", "approved"], signed: Signed | None, write: Writing) -> Signing:
        words = TEXTS[self.language]
        if signed is None:
            return Signing(words[act], words["not_yet"], words["none"], words["none"])
        role, at = words[f"{act}_as"], write.moment(signed.at, self.language)
        return Signing(words[act], signed.name, role, at, signed.statement)
