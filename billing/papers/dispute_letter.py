"""The letter by which a buyer disputes lines of an invoice and says what is wanted and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from contracts.papers.blocks import Block, Column, Data, Facts, Notice, Paragraph, Table
from contracts.papers.frame import Letter, Texts, fill, letter_data
from contracts.papers.writing import Writing

Wanted = Literal["CNF", "CNP", "PIN", "NIN", "OTH"]
"""What is wanted, in the words of the Peppol Invoice Response: credit note in full or in part, information, new invoice.

`OTH` asks that the amount is taken off the next invoice."""

Hold = Literal["whole", "part", "none"]
"""What is not paid until the dispute is settled: the whole invoice, the part that is disputed, or nothing."""

TEXTS: Final[Texts] = {
    "nb": {
        "title": "Innsigelse mot faktura {invoice}",
        "opening": "Vi har kontrollert faktura {invoice} av {issued} for {quarter} mot avtalen og eget registrert volum. "
        "Linjene nedenfor er ikke i samsvar med avtalen, og vi bestrider til sammen {disputed} ekskl. mva.",
        "invoice": "Faktura",
        "issued": "Fakturadato",
        "quarter": "Periode",
        "total": "Fakturert, ekskl. mva.",
        "disputed": "Bestridt, ekskl. mva.",
        "lines": "Bestridte linjer (kr ekskl. mva.)",
        "line": "Linje",
        "what": "Gjelder",
        "cause": "Årsak",
        "invoiced": "Fakturert",
        "expected": "Etter avtalen",
        "difference": "Bestridt",
        "sum": "Sum",
        "no_lines": "Ingen linjer.",
        "wanted": "Dette ber vi om",
        "CNF": "Kreditnota på hele fakturaen {invoice}, og ny faktura med riktig beløp, innen {by}.",
        "CNP": "Kreditnota på {demanded} ekskl. mva., med henvisning til faktura {invoice}, innen {by}.",
        "PIN": "Opplysningene som mangler om linjene ovenfor, innen {by}.",
        "NIN": "Ny faktura til erstatning for faktura {invoice}, innen {by}.",
        "OTH": "At {demanded} ekskl. mva. trekkes fra på neste faktura, med henvisning til faktura {invoice}. Vi ber om svar "
        "innen {by}.",
        "hold_whole": "Inntil saken er avklart, holder vi betalingen av hele fakturaen tilbake.",
        "hold_part": "Inntil saken er avklart, holder vi det bestridte beløpet tilbake: {disputed} ekskl. mva. Resten av fakturaen betales.",
        "evidence": "Grunnlaget for hver linje, med antall og priser, ligger ved som fil. Er dere uenige om en "
        "linje, ber vi om at svaret viser til linjenummeret og til punktet i avtalen.",
    },
    "en": {
        "title": "Dispute of invoice {invoice}",
        "opening": "We have checked invoice {invoice} of {issued} for {quarter} against the agreement and our own recorded "
        "volume. The lines below are not in accordance with the agreement, and we dispute {disputed} in all, excl. VAT.",
        "invoice": "Invoice",
        "issued": "Invoice date",
        "quarter": "Period",
        "total": "Invoiced, excl. VAT",
        "disputed": "Disputed, excl. VAT",
        "lines": "Disputed lines (NOK excl. VAT)",
        "line": "Line",
        "what": "Concerns",
        "cause": "Cause",
        "invoiced": "Invoiced",
        "expected": "As agreed",
        "difference": "Disputed",
        "sum": "Sum",
        "no_lines": "No lines.",
        "wanted": "What we ask for",
        "CNF": "A credit note for the whole of invoice {invoice}, and a new invoice of the right amount, by {by}.",
        "CNP": "A credit note of {demanded} excl. VAT, referring to invoice {invoice}, by {by}.",
        "PIN": "The information that the lines above lack, by {by}.",
        "NIN": "A new invoice in place of invoice {invoice}, by {by}.",
        "OTH": "That {demanded} excl. VAT is taken off the next invoice, referring to invoice {invoice}. Please answer by {by}.",
        "hold_whole": "Until this is settled we withhold payment of the whole invoice.",
        "hold_part": "Until this is settled we withhold the disputed amount: {disputed} excl. VAT. The rest of the invoice is paid.",
        "evidence": "The evidence of each line, with counts and prices, is attached as a file. If you read a line "
        "otherwise, please refer to its number and to the clause of the agreement in your answer.",
    },
}


@dataclass(frozen=True, slots=True)
class DisputedLine:
    """One disputed line: the invoice's own line number, what it is for, the cause in a sentence with its numbers.

    `invoiced` and `expected` are kroner excluding VAT; what is disputed is their difference.
    """

    line: str
    what: str
    code: str
    sentence: str
    invoiced: Decimal
    expected: Decimal

    @property
    def disputed(self) -> Decimal:
        return self.invoiced - self.expected


@dataclass(frozen=True, slots=True)
class DisputeLetter(Letter):
    """Dispute lines of an invoice. `demanded` is the credit wanted (`CNP`, `OTH`), excluding VAT.

    `hold` says how much of the payment waits, `message` is what the sender adds in own words. Raises `ValueError` without lines, for an answer due before the letter, for a
    demand without its amount, or one of more than is disputed.
    """

    invoice: str
    issued_on: date
    quarter: str
    invoiced_total: Decimal
    lines: tuple[DisputedLine, ...]
    wanted: Wanted
    demanded: Decimal | None
    answer_by: date
    hold: Hold
    evidence: bool = True
    message: str = ""

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError("a dispute needs lines")
        if self.answer_by < self.head.on:
            raise ValueError(f"the answer is due {self.answer_by}, before the letter of {self.head.on}")
        if self.wanted in ("CNP", "OTH") and (self.demanded is None or not 0 < self.demanded <= self.disputed):
            raise ValueError(f"a credit of {self.demanded} is demanded where {self.disputed} is disputed")

    @property
    def disputed(self) -> Decimal:
        """The sum of what is disputed, in kroner excluding VAT."""
        return sum((line.disputed for line in self.lines), Decimal(0))

    def title(self, write: Writing) -> str:
        return fill(TEXTS, self.language, "title", invoice=self.invoice)

    def to_data(self, write: Writing) -> Data:
        language, words = self.language, TEXTS[self.language]
        issued, quarter = write.day_long(self.issued_on, language), write.quarter(self.quarter, language)
        disputed = write.money(self.disputed, language)
        opening = fill(
            TEXTS, language, "opening", invoice=self.invoice, issued=issued, quarter=quarter, disputed=disputed
        )
        facts = (
            (words["invoice"], self.invoice),
            (words["issued"], issued),
            (words["quarter"], quarter),
            (words["total"], write.money(self.invoiced_total, language)),
            (words["disputed"], disputed),
        )
        demanded = write.money(self.demanded, language) if self.demanded is not None else write.missing(language)
        wanted = fill(
            TEXTS,
            language,
            self.wanted,
            invoice=self.invoice,
            demanded=demanded,
            by=write.day_long(self.answer_by, language),
        )
        blocks: list[Block] = [
            Paragraph(opening),
            Facts(facts),
            self._table(write),
            *([Paragraph(self.message)] if self.message else []),
            Notice(words["wanted"], wanted),
            *(
                []
                if self.hold == "none"
                else [Paragraph(fill(TEXTS, language, f"hold_{self.hold}", disputed=disputed))]
            ),
            *([Paragraph(words["evidence"])] if self.evidence else []),
        ]
        return letter_data(self.head, write, blocks)

    def _table(self, write: Writing) -> Table:
        language, words = self.language, TEXTS[self.language]
        invoiced = sum((line.invoiced for line in self.lines), Decimal(0))
        expected = sum((line.expected for line in self.lines), Decimal(0))
        amounts = (invoiced, expected, self.disputed)
        return Table(
            caption=words["lines"],
            columns=(
                Column(words["line"]),
                Column(words["what"], 3),
                Column(words["cause"], 5),
                Column(words["invoiced"], 0, "number"),
                Column(words["expected"], 0, "number"),
                Column(words["difference"], 0, "number"),
            ),
            rows=tuple(
                (
                    line.line,
                    line.what,
                    f"{line.sentence}\n{line.code}",
                    write.amount(line.invoiced, language),
                    write.amount(line.expected, language),
                    write.amount(line.disputed, language),
                )
                for line in self.lines
            ),
            empty=words["no_lines"],
            foot=(words["sum"], "", "", *(write.amount(value, language) for value in amounts)),
        )
