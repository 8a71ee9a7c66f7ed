"""What a document's header says that it should not, and its VAT; none of it changes the price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal

from billing.causes.billed import ZERO, BilledDocument
from billing.causes.findings import Finding, Value
from billing.causes.situation import AgreementFacts, Situation
from contracts.terms.money import format_rate

ORE = Decimal("0.01")


def header_findings(situation: Situation) -> list[Finding]:
    """Find wrong buyers, references, terms, accounts, VAT, a ceiling passed and broken rules, in the order of the table."""
    document, facts = situation.document, situation.facts
    return [
        *_buyer(document, facts),
        *_references(document, facts),
        *_currency(document, facts),
        *_vat(situation),
        *_terms(document, facts),
        *_accounts(document, facts),
        *_ceiling(document, facts),
        *_rules(document),
    ]


def _buyer(document: BilledDocument, facts: AgreementFacts) -> Iterator[Finding]:
    if facts.buyers and document.buyer not in facts.buyers:
        yield Finding("WRONG_BUYER", ZERO, params={"billed": document.buyer, "expected": facts.buyers})


def _references(document: BilledDocument, facts: AgreementFacts) -> Iterator[Finding]:
    for which, billed, known in (
        ("buyer_reference", document.buyer_reference, facts.buyer_references),
        ("order_reference", document.order_reference, facts.order_references),
        ("contract_reference", document.contract_reference, facts.contract_references),
    ):
        if known and (billed is None or _folded(billed) not in {_folded(each) for each in known}):
            yield Finding("REF_WRONG", ZERO, params={"which": which, "billed": billed, "expected": known})


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def _currency(document: BilledDocument, facts: AgreementFacts) -> Iterator[Finding]:
    if document.currency != facts.currency:
        yield Finding("CURRENCY", ZERO, params={"billed": document.currency, "expected": facts.currency})


def _vat(situation: Situation) -> Iterator[Finding]:
    """Hold the VAT against the rate agreed on what the document bills, within the tolerance, and against its own parts."""
    document, rate = situation.document, situation.facts.vat_rate
    if rate is None or document.tax is None:
        return
    due = (document.net * rate).quantize(ORE, "ROUND_HALF_UP")
    wrong_rates = tuple(
        f"{format_rate(part.rate * 100)} %" for part in document.tax_parts if part.rate != rate and part.taxable
    )
    base = sum((part.taxable for part in document.tax_parts), ZERO)
    parts = sum((part.amount for part in document.tax_parts), ZERO)
    off = document.tax - due
    is_wrong = abs(off) > situation.tolerance.tax or bool(wrong_rates)
    if document.tax_parts:
        is_wrong = is_wrong or abs(base - document.net) > situation.tolerance.tax or parts != document.tax
    if is_wrong:
        yield Finding(
            "VAT",
            ZERO,
            tax_amount=off,
            params={
                "billed": document.tax,
                "expected": due,
                "rate": rate,
                "rates": wrong_rates,
                "base": base if document.tax_parts else None,
                "net": document.net,
                "currency": document.currency,
            },
        )


def _terms(document: BilledDocument, facts: AgreementFacts) -> Iterator[Finding]:
    days = facts.payment_days
    if days is None or document.kind == "credit_note" or document.issued_on is None:
        return
    due = document.issued_on + timedelta(days=days)
    # A later date than agreed costs nobody anything, but it is not what was agreed either.
    if document.due_on is not None and document.due_on != due:
        yield Finding("TERMS", ZERO, params={"billed": document.due_on, "expected": due, "days": days})


def _accounts(document: BilledDocument, facts: AgreementFacts) -> Iterator[Finding]:
    """Find who wants the money: another seller than the agreement's, or an account that is not known, is one finding."""
    known = {_digits(account) for account in facts.accounts}
    unknown = tuple(account for account in document.accounts if _digits(account) not in known) if known else ()
    sellers = {_number(seller) for seller in facts.sellers}
    strange = bool(sellers) and _number(document.seller or "") not in sellers
    if not unknown and not strange:
        return
    params: dict[str, Value] = {"billed": unknown or None, "expected": facts.accounts if unknown else None}
    if strange:
        params |= {"seller": document.seller, "agreed_seller": facts.sellers, "another_seller": "yes"}
    yield Finding("ACCOUNT_CHANGED", ZERO, params=params)


def _number(seller: str) -> str:
    """Write an organisation number as its digits: "NO 912 345 678 MVA" is 912345678."""
    return "".join(each for each in seller if each.isdigit())


def _digits(account: str) -> str:
    """Write an account without blanks and points; a Norwegian IBAN is its eleven digits."""
    plain = "".join(each for each in account.casefold() if each.isalnum())
    return plain[4:] if plain.startswith("no") and len(plain) == 15 else plain


def _ceiling(document: BilledDocument, facts: AgreementFacts) -> Iterator[Finding]:
    most = facts.maximum_value
    # Another currency is never added up with the agreement's.
    if document.currency != facts.currency:
        return
    if most is not None and facts.accepted + document.net > most and document.net > 0:
        params = {"maximum": most, "accepted": facts.accepted, "billed": document.net}
        yield Finding("CEILING", ZERO, params={**params, "beyond": facts.accepted + document.net - most})


def _rules(document: BilledDocument) -> Iterator[Finding]:
    if document.rules:
        yield Finding("DOCUMENT", ZERO, params={"rules": tuple(_once(document.rules))})


def _once(rules: Iterable[str]) -> list[str]:
    return sorted(set(rules))
