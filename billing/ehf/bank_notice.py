"""Read a bank's notice of what moved on an account: camt.054 of ISO 20022, any version from 001.02.

It stands here since the XML parser does. One movement is one transaction of a booked entry, or the entry where it has
none of its own. What leaves the account is positive: a payment of ours; what comes back is negative.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from lxml import etree

from billing.ehf.parse import UnreadableDocument, line_of, read_xml

SPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.054.001."


@dataclass(frozen=True, slots=True)
class Movement:
    """One booked movement as written: ``names`` what it may be paid for (invoice number, KID), the surest first.

    A field that is missing or cannot be read is None or empty. ``line`` is that of the file.
    """

    line: int
    names: tuple[str, ...]
    booked_on: date | None
    amount: Decimal | None
    currency: str | None
    reference: str


def read_notice(data: bytes, *, limit: int) -> tuple[Movement, ...]:
    """Read the booked movements of a notice, in the order of the file.

    Raises `UnreadableDocument` for what is no XML, larger than ``limit`` bytes or another kind of document.
    """
    root = read_xml(data, limit=limit)
    name = etree.QName(root)
    if name.localname != "Document" or not (name.namespace or "").startswith(SPACE):
        raise UnreadableDocument("wrong_root", line_of(root), "the file is no bank notice (camt.054)")
    return tuple(movement for entry in root.iterfind(".//{*}Ntry") for movement in _movements(entry))


def _movements(entry: etree._Element) -> Iterator[Movement]:
    booked = _said(entry, "Sts/{*}Cd") or _said(entry, "Sts")
    if booked != "BOOK":
        return
    details = entry.findall("{*}NtryDtls/{*}TxDtls")
    for each in details or [entry]:
        out = (_said(each, "CdtDbtInd") or _said(entry, "CdtDbtInd")) == "DBIT"
        turned = (_said(entry, "RvslInd") or "false") in ("true", "1")
        amount = each.find("{*}Amt")
        if amount is None:
            amount = each.find("{*}AmtDtls/{*}TxAmt/{*}Amt")
        if amount is None and len(details) == 1:
            amount = entry.find("{*}Amt")
        value = _amount(amount)
        yield Movement(
            line=line_of(each),
            names=tuple(_names(each)),
            booked_on=_day(_said(entry, "BookgDt/{*}Dt") or _said(entry, "BookgDt/{*}DtTm")),
            amount=None if value is None else value if out != turned else -value,
            currency=None if amount is None else amount.get("Ccy"),
            reference=_said(each, "Refs/{*}AcctSvcrRef")
            or _said(entry, "AcctSvcrRef")
            or _said(entry, "NtryRef")
            or "",
        )


def _names(details: etree._Element) -> Iterator[str]:
    """The invoices it names come before the creditor's reference (KID), and that before what the payer called it."""
    for path in ("RmtInf/{*}Strd/{*}RfrdDocInf/{*}Nb", "RmtInf/{*}Strd/{*}CdtrRefInf/{*}Ref", "Refs/{*}EndToEndId"):
        for found in details.iterfind("{*}" + path):
            text = (found.text or "").strip()
            if text and text != "NOTPROVIDED":
                yield text


def _said(node: etree._Element, path: str) -> str | None:
    found = node.find("{*}" + path)
    return None if found is None else (found.text or "").strip() or None


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text[:10])
    except ValueError:
        return None


def _amount(node: etree._Element | None) -> Decimal | None:
    text = "" if node is None else (node.text or "").strip()
    whole, _, decimals = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 13 and len(decimals) <= 5):
        return None
    return Decimal(text) if not decimals or (decimals.isascii() and decimals.isdigit()) else None
