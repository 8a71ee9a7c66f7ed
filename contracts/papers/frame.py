"""What stands around a paper's body: who sends it, to whom, under which references, and the mark of invented data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from contracts.papers.blocks import Block, Data
from contracts.papers.writing import Writing
from contracts.terms.written import Language

Texts = dict[Language, dict[str, str]]
"""A paper's words, every key in every language; `{name}` is filled in by `fill`."""

FRAME: Final[Texts] = {
    "nb": {
        "page": "Side",
        "of": "av",
        "attachments": "Vedlegg",
        "example_mark": "Eksempeldata",
        "example_text": "Priser, volumer, frister og fakturaer i dette dokumentet er oppdiktet. Det skal ikke sendes.",
        "org_number": "Org.nr. {number}",
        "date": "Dato",
        "our_reference": "Vår referanse",
        "your_reference": "Deres referanse",
        "agreement": "Avtale",
        "contact": "Kontakt",
        "greeting": "Med vennlig hilsen",
        "approved": "Godkjent i Trinnvis. Brevet er gyldig uten underskrift.",
        "foot": "{sender} · {agreement} · {reference}",
    },
    "en": {
        "page": "Page",
        "of": "of",
        "attachments": "Attachments",
        "example_mark": "Example data",
        "example_text": "Prices, volumes, dates and invoices in this document are invented. It is not to be sent.",
        "org_number": "Org. no. {number}",
        "date": "Date",
        "our_reference": "Our reference",
        "your_reference": "Your reference",
        "agreement": "Agreement",
        "contact": "Contact",
        "greeting": "Yours sincerely",
        "approved": "Approved in Trinnvis. This letter is valid without a signature.",
        "foot": "{sender} · {agreement} · {reference}",
    },
}


@dataclass(frozen=True, slots=True)
class Organisation:
    """A sender or a recipient: legal name, organisation number of nine digits, and the lines of its address."""

    name: str
    org_number: str
    address: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """A person with the role in which the person acts, and how to reach that person."""

    name: str
    role: str
    email: str = ""
    phone: str = ""

    def in_words(self) -> str:
        return "\n".join(part for part in (self.name, self.email, self.phone) if part)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every letter carries: parties, references, the day it is dated and who answers for it.

    `agreement` is the agreement's reference, as invoices state it. `example` marks a letter about invented data.
    """

    sender: Organisation
    recipient: Organisation
    our_reference: str
    agreement: str
    on: date
    contact: Person
    signatory: Person
    language: Language = "nb"
    your_reference: str | None = None
    example: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What every letter has: its head, and what follows from it."""

    head: Letterhead

    @property
    def template(self) -> str:
        return "letter"

    @property
    def language(self) -> Language:
        return self.head.language

    @property
    def on(self) -> date:
        return self.head.on


def fill(texts: Texts, language: Language, key: str, **values: str) -> str:
    """Give a paper's words in a language; what is filled in is text and is not looked at again."""
    return texts[language][key].format(**values)


def letter_data(head: Letterhead, write: Writing, blocks: Sequence[Block]) -> Data:
    """Give the data of the template `letter`."""
    language = head.language
    words = FRAME[language]
    references = [
        (words["date"], write.day_long(head.on, language)),
        (words["our_reference"], head.our_reference),
        *([(words["your_reference"], head.your_reference)] if head.your_reference else []),
        (words["agreement"], head.agreement),
        (words["contact"], head.contact.in_words()),
    ]
    return {
        **_frame(head.sender.name, head.agreement, head.our_reference, language, head.example),
        "recipient": {"name": head.recipient.name, "lines": _lines(head.recipient, language, write)},
        "references": [{"name": name, "value": value} for name, value in references],
        "closing": {
            "greeting": words["greeting"],
            "name": head.signatory.name,
            "role": head.signatory.role,
            "note": words["approved"],
        },
        "blocks": [block.to_data() for block in blocks],
    }


def document_data(
    *,
    sender: str,
    agreement: str,
    reference: str,
    subtitle: str,
    language: Language,
    example: bool,
    blocks: Sequence[Block],
) -> Data:
    """Give the data of the template `document`."""
    return {
        **_frame(sender, agreement, reference, language, example),
        "subtitle": subtitle,
        "blocks": [block.to_data() for block in blocks],
    }


def _frame(sender: str, agreement: str, reference: str, language: Language, example: bool) -> Data:
    words = FRAME[language]
    return {
        "sender": {"name": sender},
        "reference": reference,
        "foot": fill(FRAME, language, "foot", sender=sender, agreement=agreement, reference=reference),
        "example": {"mark": words["example_mark"], "text": words["example_text"]} if example else None,
        "words": {key: words[key] for key in ("page", "of", "attachments")},
    }


def _lines(party: Organisation, language: Language, write: Writing) -> list[str]:
    number = fill(FRAME, language, "org_number", number=write.org_number(party.org_number, language))
    return [*party.address, number]
