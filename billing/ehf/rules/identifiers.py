"""Identifiers by their scheme, and the Norwegian rules (NO-R) of the seller's registration."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from stdnum import ean
from stdnum.au import abn
from stdnum.be import vat as belgian
from stdnum.se import orgnr as swedish

from billing.ehf.document import Document
from billing.ehf.parse import line_of
from billing.ehf.rules.asking import Failure, Reading, Rule, nodes, of_document, place, said
from contracts.terms.national_numbers import is_organisation_number

ORGANISATION_SCHEME: Final = "0192"


def _is(pattern: str, number: Any = None) -> Callable[[str], bool]:
    """Tell whether a text has the form, and the check digit where the number has one."""
    return lambda text: bool(re.fullmatch(pattern, text)) and (number is None or bool(number(text)))


# The scheme, its rule, the name of the number, and what it must be.
_SCHEMES: Final = (
    ("0088", "R040", "GLN", _is("[0-9]+", lambda text: ean.calc_check_digit(text[:-1]) == text[-1])),
    (ORGANISATION_SCHEME, "R041", "organisasjonsnummer", is_organisation_number),
    ("0184", "R042", "CVR", _is("(DK)?[0-9]{8}")),
    ("0208", "R043", "KBO/BCE", _is("[0-9]{10}", belgian.is_valid)),
    ("0007", "R049", "organisationsnummer", _is("[0-9]{10}", swedish.is_valid)),
    ("0151", "R050", "ABN", _is("[0-9]{11}", abn.is_valid)),
    ("0096", "R052", "P-nummer", _is("[0-9]{10}")),
    ("0198", "R053", "SE-nummer", _is("DK[0-9]{8}")),
)


def _numbered(scheme: str, rule: str, name: str, valid: Callable[[str], bool]) -> Rule:
    named = f"[@schemeID = '{scheme}']"
    addressed = nodes(f"//(cbc:EndpointID|cbc:CompanyID){named}")
    identified = nodes(f"//cac:PartyIdentification/cbc:ID{named}")

    def failures(reading: Reading) -> Iterator[Failure]:
        for node in (*addressed(reading), *identified(reading)):
            if not valid(said(node)):
                yield (
                    line_of(node),
                    f"'{said(node)[:40]}' (scheme {scheme}) is no valid number of its kind: {place(node)}",
                )

    if scheme == ORGANISATION_SCHEME:
        return Rule(
            f"PEPPOL-COMMON-{rule}",
            "fatal",
            "Et organisasjonsnummer er feil.",
            "An organisation number is wrong.",
            failures,
        )
    return Rule(
        f"PEPPOL-COMMON-{rule}",
        "fatal",
        f"Et nummer i register {scheme} ({name}) er feil.",
        f"A number of scheme {scheme} ({name}) is wrong.",
        failures,
    )


def _seller_country(document: Document) -> str | None:
    """Say where the seller is: by VAT identifier, its tax representative's, or the address, in that order."""
    for party in (document.seller, document.tax_representative):
        if party is not None and party.vat_id is not None:
            return party.vat_id[:2].upper()
    country = document.seller.country
    return None if country is None else country.upper()


def _norwegian_vat_id(document: Document) -> Iterator[Failure]:
    if _seller_country(document) != "NO":
        return
    for each in document.seller.registrations:
        number = each.company_id
        if each.scheme == "VAT" and number.startswith("NO"):
            match = re.fullmatch(r"NO([0-9]{9})MVA", number)
            if match is None or not is_organisation_number(match[1]):
                yield each.line, f"'{number}' is not NO, a valid organisation number and MVA"


def _norwegian_register(document: Document) -> Iterator[Failure]:
    registered = [each.company_id for each in document.seller.registrations if each.scheme == "TAX"]
    if _seller_country(document) == "NO" and registered != ["Foretaksregisteret"]:
        yield document.seller.line, "the seller's tax registration (scheme TAX) does not say Foretaksregisteret"


IDENTIFIERS: Final[tuple[Rule, ...]] = (
    *(_numbered(*each) for each in _SCHEMES),
    of_document(
        "NO-R-001",
        _norwegian_vat_id,
        "Selgerens mva-nummer er ikke NO, et riktig organisasjonsnummer og MVA.",
        "The seller's VAT number is not NO, a right organisation number and MVA.",
    ),
    of_document(
        "NO-R-002",
        _norwegian_register,
        "Selgeren oppgir ikke at den står i Foretaksregisteret.",
        "The seller does not say that it is in the register of business enterprises (Foretaksregisteret).",
        "warning",
    ),
)
