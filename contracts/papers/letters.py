"""Letters to the vendor about the agreement: an option is taken up, an algorithm is ordered, a price request is answered.

Each is filled with facts that somebody approved and adds none of its own; where the agreement has a clause, the letter
names it. Bokmål is what the vendor gets, English is there for who asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from contracts.papers.blocks import Block, Column, Data, Facts, Paragraph, Table
from contracts.papers.frame import Letter, Organisation, Texts, fill, letter_data
from contracts.papers.writing import Writing

OPTION_NOTICE: Final[Texts] = {
    "nb": {
        "title": "Melding om utløsning av opsjon for {trust}",
        "opening": "Vi melder med dette at opsjonen for {trust} under rammeavtalen {agreement} er utløst, etter "
        "{clause}. Opsjonen kunne utløses til og med {deadline}; denne meldingen er gitt innen fristen.",
        "trust": "Helseforetak",
        "org_number": "Organisasjonsnummer",
        "clause": "Hjemmel i avtalen",
        "deadline": "Frist for å utløse",
        "joins": "Gjelder fra",
        "until": "Gjelder til",
        "decided": "Vedtatt",
        "decided_by": "{on} av {by}",
        "terms": "Vilkår og priser følger rammeavtalen. Utløsningen bestiller ingen algoritme; hver algoritme tas i bruk "
        "ved egen bestilling.",
        "confirm": "Vi ber om skriftlig bekreftelse innen {by}, med referansen {reference}.",
    },
    "en": {
        "title": "Notice that the option for {trust} is exercised",
        "opening": "We hereby give notice that the option for {trust} under the framework agreement {agreement} is "
        "exercised, under {clause}. The option could be exercised until {deadline}, that day included; this notice is "
        "given in time.",
        "trust": "Hospital trust",
        "org_number": "Organisation number",
        "clause": "Clause of the agreement",
        "deadline": "Deadline for exercising",
        "joins": "Applies from",
        "until": "Applies until",
        "decided": "Decided",
        "decided_by": "{on} by {by}",
        "terms": "Terms and prices are those of the framework agreement. Exercising the option orders no algorithm; each "
        "is taken into use by an order of its own.",
        "confirm": "Please confirm in writing by {by}, quoting the reference {reference}.",
    },
}

ACTIVATION_ORDER: Final[Texts] = {
    "nb": {
        "title": "Bestilling: {product} ved {trust}",
        "opening": "Vi bestiller med dette {product} til {trust} under rammeavtalen {agreement}, etter {clause}.",
        "trust": "Helseforetak",
        "org_number": "Organisasjonsnummer",
        "product": "Algoritme",
        "sites": "Steder",
        "validation": "Validering fra",
        "go_live": "Planlagt driftsstart",
        "price_book": "Prisliste",
        "order_reference": "Ordrenummer på faktura",
        "buyer_reference": "Kjøpers referanse på faktura",
        "validation_terms": "I valideringen kjøres algoritmen uten klinisk bruk. Undersøkelser i valideringen faktureres "
        "ikke. Driftsstarten bekreftes av oss skriftlig, og innføringsperioden regnes fra den dagen.",
        "no_validation_terms": "Driftsstarten bekreftes av oss skriftlig, og innføringsperioden regnes fra den dagen.",
        "ramp": "Rabatt i innføringsperioden",
        "ramp_months": "Måneder fra driftsstart",
        "ramp_discount": "Rabatt",
        "ramp_none": "Avtalen gir ingen rabatt i innføringen.",
        "one_month": "Måned {first}",
        "months": "Måned {first}–{last}",
        "confirm": "Vi ber om ordrebekreftelse innen {by}, med referansen {reference}. Faktura uten ordrenummer kan "
        "bli returnert.",
    },
    "en": {
        "title": "Order: {product} at {trust}",
        "opening": "We hereby order {product} for {trust} under the framework agreement {agreement}, under {clause}.",
        "trust": "Hospital trust",
        "org_number": "Organisation number",
        "product": "Algorithm",
        "sites": "Sites",
        "validation": "Validation from",
        "go_live": "Planned go-live",
        "price_book": "Price list",
        "order_reference": "Order number on invoices",
        "buyer_reference": "Buyer reference on invoices",
        "validation_terms": "During validation the algorithm runs without clinical use. Examinations in the validation "
        "are not invoiced. We confirm the go-live in writing, and the ramp-up counts from that day.",
        "no_validation_terms": "We confirm the go-live in writing, and the ramp-up counts from that day.",
        "ramp": "Discount in the ramp-up",
        "ramp_months": "Months from go-live",
        "ramp_discount": "Discount",
        "ramp_none": "The agreement gives no discount in the ramp-up.",
        "one_month": "Month {first}",
        "months": "Months {first}–{last}",
        "confirm": "Please confirm the order by {by}, quoting the reference {reference}. Invoices without the order "
        "number may be returned.",
    },
}

INDEX_ANSWER: Final[Texts] = {
    "nb": {
        "title": "Svar på krav om prisregulering fra {effective}",
        "opening": "Vi viser til kravet deres av {requested}, mottatt {received}, om regulering av prisene fra "
        "{effective} etter {clause}.",
        "approved": "Kravet er godkjent. Prisene reguleres med faktoren {factor} fra {effective}.",
        "declined": "Kravet er avslått. Prisene står uendret.",
        "lapsed": "Kravet kom etter fristen {deadline} og er bortfalt. Prisene står uendret.",
        "reason": "Begrunnelse: {reason}",
        "clause": "Hjemmel i avtalen",
        "deadline": "Frist for kravet",
        "index": "Indeks",
        "base": "Basis",
        "current": "Sammenlignet med",
        "asked": "Faktor i kravet",
        "factor": "Faktor vi har regnet",
        "value_of": "{value} ({month})",
        "prices": "Priser fra {effective} (kr ekskl. mva.)",
        "charge": "Pris",
        "before": "Før",
        "after": "Etter",
        "no_prices": "Ingen priser endres.",
        "after_words": "Reguleringen gjelder undersøkelser utført fra og med {effective}. Tidligere perioder regnes ikke om.",
    },
    "en": {
        "title": "Answer to the request for a price adjustment from {effective}",
        "opening": "We refer to your request of {requested}, received {received}, to adjust the prices from {effective} "
        "under {clause}.",
        "approved": "The request is approved. Prices are adjusted by the factor {factor} from {effective}.",
        "declined": "The request is declined. Prices stand unchanged.",
        "lapsed": "The request came after the deadline {deadline} and has lapsed. Prices stand unchanged.",
        "reason": "Reason: {reason}",
        "clause": "Clause of the agreement",
        "deadline": "Deadline of the request",
        "index": "Index",
        "base": "Base",
        "current": "Compared with",
        "asked": "Factor requested",
        "factor": "Factor we computed",
        "value_of": "{value} ({month})",
        "prices": "Prices from {effective} (NOK excl. VAT)",
        "charge": "Price",
        "before": "Before",
        "after": "After",
        "no_prices": "No price changes.",
        "after_words": "The adjustment applies to examinations done from {effective} on. Earlier periods are not computed "
        "again.",
    },
}


@dataclass(frozen=True, slots=True)
class OptionNotice(Letter):
    """Tell the vendor that a trust's option is exercised.

    `deadline` is the last day, included; `until` the day after the call-off's last, or None where it follows the
    agreement. Raises `ValueError` for a notice dated after the deadline: such a letter would claim what is not so.
    """

    trust: Organisation
    clause: str
    deadline: date
    joins_on: date
    until: date | None
    decided_on: date
    decided_by: str
    confirm_by: date

    def __post_init__(self) -> None:
        if self.head.on > self.deadline:
            raise ValueError(f"a notice of {self.head.on} is after the option's deadline {self.deadline}")

    def title(self, write: Writing) -> str:
        return fill(OPTION_NOTICE, self.language, "title", trust=self.trust.name)

    def to_data(self, write: Writing) -> Data:
        language, words = self.language, OPTION_NOTICE[self.language]
        last = None if self.until is None else date.fromordinal(self.until.toordinal() - 1)
        opening = fill(
            OPTION_NOTICE,
            language,
            "opening",
            trust=self.trust.name,
            agreement=self.head.agreement,
            clause=self.clause,
            deadline=write.day_long(self.deadline, language),
        )
        decided = fill(
            OPTION_NOTICE,
            language,
            "decided_by",
            on=write.day_long(self.decided_on, language),
            by=self.decided_by,
        )
        facts = (
            (words["trust"], self.trust.name),
            (words["org_number"], write.org_number(self.trust.org_number, language)),
            (words["clause"], self.clause),
            (words["deadline"], write.day_long(self.deadline, language)),
            (words["joins"], write.day_long(self.joins_on, language)),
            *([(words["until"], write.day_long(last, language))] if last else []),
            (words["decided"], decided),
        )
        confirm = fill(
            OPTION_NOTICE,
            language,
            "confirm",
            by=write.day_long(self.confirm_by, language),
            reference=self.head.our_reference,
        )
        blocks: tuple[Block, ...] = (Paragraph(opening), Facts(facts), Paragraph(words["terms"]), Paragraph(confirm))
        return letter_data(self.head, write, blocks)


@dataclass(frozen=True, slots=True)
class RampStep:
    """The discount of some months of the ramp-up, counted from 1, both included; `discount` is a share."""

    first_month: int
    last_month: int
    discount: Decimal


@dataclass(frozen=True, slots=True)
class ActivationOrder(Letter):
    """Order an algorithm for a trust. `order_reference` is what the vendor's invoices must state (BT-13)."""

    trust: Organisation
    product: str
    clause: str
    sites: tuple[str, ...]
    validation_from: date | None
    go_live: date
    price_book: str
    ramp: tuple[RampStep, ...]
    order_reference: str
    buyer_reference: str | None
    confirm_by: date

    def title(self, write: Writing) -> str:
        return fill(ACTIVATION_ORDER, self.language, "title", product=self.product, trust=self.trust.name)

    def to_data(self, write: Writing) -> Data:
        language, words = self.language, ACTIVATION_ORDER[self.language]
        opening = fill(
            ACTIVATION_ORDER,
            language,
            "opening",
            product=self.product,
            trust=self.trust.name,
            agreement=self.head.agreement,
            clause=self.clause,
        )
        validation = write.day_long(self.validation_from, language) if self.validation_from else None
        facts = (
            (words["trust"], self.trust.name),
            (words["org_number"], write.org_number(self.trust.org_number, language)),
            (words["product"], self.product),
            *([(words["sites"], "\n".join(self.sites))] if self.sites else []),
            *([(words["validation"], validation)] if validation else []),
            (words["go_live"], write.day_long(self.go_live, language)),
            (words["price_book"], self.price_book),
            (words["order_reference"], self.order_reference),
            *([(words["buyer_reference"], self.buyer_reference)] if self.buyer_reference else []),
        )
        ramp = Table(
            caption=words["ramp"],
            columns=(Column(words["ramp_months"], 3), Column(words["ramp_discount"], 1, "number")),
            rows=tuple((self._months(step), write.percent_short(step.discount, language)) for step in self.ramp),
            empty=words["ramp_none"],
        )
        confirm = fill(
            ACTIVATION_ORDER,
            language,
            "confirm",
            by=write.day_long(self.confirm_by, language),
            reference=self.head.our_reference,
        )
        terms = words["validation_terms"] if validation else words["no_validation_terms"]
        blocks: tuple[Block, ...] = (Paragraph(opening), Facts(facts), Paragraph(terms), ramp, Paragraph(confirm))
        return letter_data(self.head, write, blocks)

    def _months(self, step: RampStep) -> str:
        key = "one_month" if step.first_month == step.last_month else "months"
        return fill(ACTIVATION_ORDER, self.language, key, first=str(step.first_month), last=str(step.last_month))


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A price before and after an adjustment, in kroner per unit, with the decimals it is kept with."""

    charge: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class IndexAnswer(Letter):
    """Answer a request for a price adjustment: approved, declined, or lapsed because it came late.

    Raises `ValueError` where the facts contradict the answer: an approval without its factor, price changes without an
    approval, or a request called late that came by its deadline.
    """

    answer: Literal["approved", "declined", "lapsed"]
    clause: str
    requested_on: date
    received_on: date
    deadline: date
    effective_from: date
    index: str
    base: tuple[str, Decimal] | None
    current: tuple[str, Decimal] | None
    asked_factor: Decimal | None
    factor: Decimal | None
    reason: str
    prices: tuple[PriceChange, ...] = ()

    def __post_init__(self) -> None:
        if self.answer == "approved" and self.factor is None:
            raise ValueError("an approval needs the factor approved")
        if self.answer != "approved" and self.prices:
            raise ValueError("prices change by an approval only")
        if self.answer == "lapsed" and self.received_on <= self.deadline:
            raise ValueError(f"a request received {self.received_on} came by its deadline {self.deadline}")

    def title(self, write: Writing) -> str:
        effective = write.day_long(self.effective_from, self.language)
        return fill(INDEX_ANSWER, self.language, "title", effective=effective)

    def to_data(self, write: Writing) -> Data:
        language, words = self.language, INDEX_ANSWER[self.language]
        effective = write.day_long(self.effective_from, language)
        deadline = write.day_long(self.deadline, language)
        opening = fill(
            INDEX_ANSWER,
            language,
            "opening",
            requested=write.day_long(self.requested_on, language),
            received=write.day_long(self.received_on, language),
            effective=effective,
            clause=self.clause,
        )
        factor = write.factor(self.factor, language) if self.factor is not None else write.missing(language)
        answer = fill(INDEX_ANSWER, language, self.answer, factor=factor, effective=effective, deadline=deadline)
        facts = (
            (words["clause"], self.clause),
            (words["deadline"], deadline),
            (words["index"], self.index),
            (words["base"], self._value(self.base, write)),
            (words["current"], self._value(self.current, write)),
            *([(words["asked"], write.factor(self.asked_factor, language))] if self.asked_factor is not None else []),
            (words["factor"], factor),
        )
        prices = Table(
            caption=fill(INDEX_ANSWER, language, "prices", effective=effective),
            columns=(
                Column(words["charge"], 3),
                Column(words["before"], 1, "number"),
                Column(words["after"], 1, "number"),
            ),
            rows=tuple(
                (p.charge, write.price(p.before, language), write.price(p.after, language)) for p in self.prices
            ),
            empty=words["no_prices"],
        )
        blocks: list[Block] = [Paragraph(opening), Paragraph(answer, strong=True)]
        if self.reason:
            blocks.append(Paragraph(fill(INDEX_ANSWER, language, "reason", reason=self.reason)))
        blocks.append(Facts(facts))
        if self.answer == "approved":
            after = fill(INDEX_ANSWER, language, "after_words", effective=effective)
            blocks += [prices, Paragraph(after)]
        return letter_data(self.head, write, blocks)

    def _value(self, value: tuple[str, Decimal] | None, write: Writing) -> str:
        if value is None:
            return write.missing(self.language)
        month, level = value
        exponent = level.as_tuple().exponent
        # An index value stands as it was published: 136.4, never 136.40.
        written = write.number(level, self.language, max(0, -exponent) if isinstance(exponent, int) else 0)
        return fill(INDEX_ANSWER, self.language, "value_of", value=written, month=write.month(month, self.language))
