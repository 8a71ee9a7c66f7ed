"""Every single mutation of valid documents: what the judge finds invalid has a fatal finding, and nothing else has.

The judge is an independent implementation of the same published rules; where the official stylesheets can be run
(`saxonche` installed), `test_official_rules.py` asks those too.
"""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Final

import mockeinvoice
import pytest
from mockeinvoice.rules.published import LAYERS

from billing.ehf.parse import parse
from billing.ehf.rules import RULES, SAME_AS, check
from tests.billing.ehf.examples import EXAMPLES, to_bytes, verdict
from tests.billing.ehf.mutations import CATEGORIES, additions, everything, in_category, mutations

TAX: Final = ("TaxCategory", "PartyTaxScheme", "TaxSubtotal")
VALID_CATEGORIES: Final = tuple(code for code in CATEGORIES if code != "B")  # split payment is Italy's
MUTATED: Final = {
    "everything": lambda: mutations(everything()),
    "additions": lambda: chain(additions(everything()), additions(to_bytes(EXAMPLES["credit-note"]()))),
    "credit note": lambda: mutations(to_bytes(EXAMPLES["credit-note"]())),
    "negative invoice": lambda: mutations(to_bytes(EXAMPLES["negative-invoice"]())),
    "two rates": lambda: mutations(to_bytes(EXAMPLES["two-tax-rates"]()), TAX),
    **{f"category {code}": lambda code=code: mutations(in_category(code), TAX) for code in VALID_CATEGORIES},
}


def fatal(data: bytes) -> set[str]:
    return {finding.rule for finding in check(parse(data), data) if finding.severity == "fatal"}


def judged(data: bytes) -> set[str]:
    try:
        return {rule for level, rule in verdict(data) if level != "warning"}
    except mockeinvoice.model.Refused:
        return {"REFUSED"}


def contradictions(each: Iterable[tuple[str, bytes]]) -> tuple[int, list[str]]:
    """Count what was tried; name what the judge finds and we do not, and what we find and the judge does not.

    The judge does not validate by the schema, and it takes any tax scheme for VAT where the official rules do not.
    """
    tried, contradicted = 0, []
    for what, data in each:
        tried += 1
        ours, theirs = fatal(data), judged(data)
        known = "XSD" in ours or any(
            scheme not in (b"VAT", b"TAX") for scheme in re.findall(rb"TaxScheme>\s*<cbc:ID>([^<]*)<", data)
        )
        if bool(ours) != bool(theirs) and not (ours and known):
            contradicted.append(f"{what}: we {sorted(ours)}, the judge {sorted(theirs)}")
    return tried, contradicted


def sample(name: str, step: int) -> list[tuple[str, bytes]]:
    """Give every ``step``-th mutation of a kind; all of them where there are few. Every one is tried by `tests.soak.documents`."""
    return [each for number, each in enumerate(MUTATED[name]()) if number % step == 0 or name == "additions"]


def test_valid_documents_have_no_finding_in_any_category() -> None:
    documents = {"everything": everything(), **{code: in_category(code) for code in VALID_CATEGORIES}}
    assert {name: fatal(data) for name, data in documents.items() if fatal(data) or judged(data)} == {}


@pytest.mark.parametrize("name", MUTATED)
def test_no_broken_document_passes_and_no_valid_one_is_flagged(name: str) -> None:
    tried, contradicted = contradictions(sample(name, 15))
    assert tried > 10
    assert contradicted == []


@pytest.mark.slow
def test_every_rule_is_broken_by_some_mutation() -> None:
    places = ("AllowanceCharge", "InvoicePeriod")
    unbroken = {rule.id for rule in RULES if rule.severity == "fatal"}
    for _, data in chain(mutations(in_category("K"), places), *(each() for each in MUTATED.values())):
        unbroken -= fatal(data)
        if not unbroken:
            break
    assert unbroken == set()


def test_every_fatal_rule_of_the_publishers_is_asked_or_another_country_s() -> None:
    """The rules that can say nothing of a document are those that their publisher never lets fail."""
    published = {rule for layer in ("en16931", "peppol") for rule, flag in LAYERS[layer].items() if flag == "fatal"}
    elsewhere = {rule for rule in published if re.match("(DE|DK|GR|IS|IT|NL|SE)-R-", rule)}
    never_fail = {"BR-CO-05", "BR-CO-06", "BR-CO-07", "BR-CO-08"}
    assert published - elsewhere - never_fail - {rule.id for rule in RULES} == set(SAME_AS)
