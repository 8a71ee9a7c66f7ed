"""A bank's notice (camt.054) as a file of payments: what it names is found, what it lacks is told with its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from billing.ehf.document import PaymentMeans
from billing.payments import payments
from billing.payments.files import read_payments
from contracts.errors import InvalidInput
from contracts.extensions import db
from tests.billing.payments.test_payments import CONTROLLER, invoice, take_file
from tests.recorded import record_agreement

KID = "0010456"


def entry(
    names: str, amount: str = "7500.00", *, way: str = "DBIT", status: str = "<Cd>BOOK</Cd>", more: str = ""
) -> str:
    return f"""<Ntry><Amt Ccy="NOK">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{more}<Sts>{status}</Sts>
<BookgDt><Dt>2024-05-10</Dt></BookgDt><NtryDtls><TxDtls><Refs><AcctSvcrRef>BANK-77</AcctSvcrRef>
<EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy="NOK">{amount}</Amt><RmtInf>{names}</RmtInf></TxDtls></NtryDtls></Ntry>"""


def number(text: str) -> str:
    return f"<Strd><RfrdDocInf><Nb>{text}</Nb></RfrdDocInf></Strd>"


def kid(text: str) -> str:
    return f"<Strd><CdtrRefInf><Ref>{text}</Ref></CdtrRefInf></Strd>"


def notice(*entries: str, version: str = "08") -> bytes:
    space = f"urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}"
    body = "".join(entries)
    return f'<?xml version="1.0"?>\n<Document xmlns="{space}"><BkToCstmrDbtCdtNtfctn><Ntfctn>{body}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>'.encode()


def told(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as raised:
        read_payments(content)
    return [(each.pointer, each.code) for each in raised.value.errors]


@pytest.mark.parametrize("version", ["02", "08", "13"])
def test_what_left_the_account_is_a_payment_and_what_came_back_takes_it_off(version: str) -> None:
    rows = read_payments(notice(entry(number("10045")), entry(kid(KID), "100.50", way="CRDT"), version=version))
    assert [(row.invoice, row.paid_on, row.amount, row.reference) for row in rows] == [
        ("10045", date(2024, 5, 10), Decimal("7500.00"), "BANK-77"),
        (KID, date(2024, 5, 10), Decimal("-100.50"), "BANK-77"),
    ]


def test_a_reversal_turns_the_sign_and_what_is_not_booked_is_no_payment() -> None:
    turned = entry(number("10045"), way="CRDT", more="<RvslInd>true</RvslInd>")
    rows = read_payments(notice(turned, entry(number("1"), status="<Cd>PDNG</Cd>"), entry(number("2"), status="BOOK")))
    assert [(row.invoice, row.amount) for row in rows] == [("10045", Decimal("7500.00")), ("2", Decimal("7500.00"))]


def test_an_entry_of_several_transactions_is_several_payments() -> None:
    two = entry(number("A"), "1.00").replace(
        "</TxDtls>", "</TxDtls><TxDtls><Amt Ccy='NOK'>2.00</Amt><RmtInf>" + number("B") + "</RmtInf></TxDtls>"
    )
    assert [(row.invoice, row.amount) for row in read_payments(notice(two))] == [
        ("A", Decimal("1.00")),
        ("B", Decimal("2.00")),
    ]


def test_what_is_wrong_is_told_with_its_line() -> None:
    assert told(notice(entry("<Ustrd>Takk</Ustrd>"))) == [("#/line/3/invoice", "missing")]
    assert told(notice(entry(number("1"), "12,50"))) == [("#/line/3/amount", "not_an_amount")]
    assert told(notice(entry(number("1")).replace("2024-05-10", "2024-05-32"))) == [("#/line/3/date", "not_a_date")]
    assert told(notice(entry(number("1")).replace("NOK", "SEK"))) == [("#/line/3/currency", "other_currency")]
    assert told(notice()) == [("#", "empty")]
    assert told(b"<Document/>") == [("#/line/1", "wrong_root")]
    assert told(b"<!DOCTYPE x><Document/>") == [("#/line/1", "doctype")]
    assert told(b"<Document>") == [("#/line/1", "truncated")]


def test_the_invoice_is_found_by_its_number_or_by_the_kid_that_it_asks_for(app: Flask) -> None:
    agreement_id = record_agreement()
    first = invoice(agreement_id, "10045")
    second = invoice(agreement_id, "10046", payment_means=(PaymentMeans("30", payment_id=KID, account="12345670007"),))
    content = notice(entry(number("10045"), "10.00"), entry(kid(KID), "20.00"))
    taken = take_file(agreement_id, content)
    assert (taken.status, taken.rows, taken.accepted) == ("imported", 2, 2)
    with db.read() as session:
        listed = payments.list_payments(session, agreement_id=agreement_id, actor=CONTROLLER)
    assert sorted((each.invoice_id, each.amount) for each in listed) == [
        (first, Decimal("10.00")),
        (second, Decimal("20.00")),
    ]
    assert take_file(agreement_id, content).status == "already_imported"


def test_a_kid_that_no_invoice_asks_for_is_refused(app: Flask) -> None:
    agreement_id = record_agreement()
    invoice(agreement_id)
    with pytest.raises(InvalidInput) as raised:
        take_file(agreement_id, notice(entry(kid("999"))))
    assert [each.code for each in raised.value.errors] == ["unknown_invoice"]
