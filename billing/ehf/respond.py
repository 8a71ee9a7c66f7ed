"""Write a Peppol Invoice Response: what becomes of an invoice or credit note, told to whoever sent it.

BIS Invoice Response 3 is the UBL 2.1 ApplicationResponse under the rules PEPPOL-T111. A response has one status
(UNCL4343): AB received, IP in process, UQ under query, CA conditionally accepted, RE rejected, AP accepted, PD paid.
UQ, CA and RE say why and what is wanted, by codes of the lists OPStatusReason and OPStatusAction.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from lxml import etree

from billing.ehf.document import Document, Party
from billing.ehf.parse import CAC, CBC, UBL

CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:invoice_response:3"
PROFILE: Final = "urn:fdc:peppol.eu:poacc:bis:invoice_response:3"
RESPONSE_VERSION: Final = "3.0.17"
"""The release of Peppol Invoice Response that is written."""

# The document's own namespace has no prefix.
NAMES: Final[dict[str | None, str]] = {None: f"{UBL}ApplicationResponse-2", "cac": CAC, "cbc": CBC}
CodeList = Literal["OPStatusReason", "OPStatusAction"]
NEEDS_CLARIFICATION: Final = frozenset({"UQ", "CA", "RE"})


@dataclass(frozen=True, slots=True)
class Clarification:
    """Why a status is given, or what is wanted: a code of its list, in words for the reader."""

    list: CodeList
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Response:
    """One response to a document: its own id, when it was written, the status and the day from which it holds."""

    id: str
    written_at: datetime
    status: str
    effective_on: date
    clarifications: tuple[Clarification, ...] = ()
    note: str | None = None


def response_bytes(response: Response, document: Document) -> bytes:
    """Write the response of a document's buyer to its seller; the same response gives the same bytes.

    Raises ValueError where a status that needs a clarification has none, or where the document does not say its number
    or who its parties are: such a document cannot be answered.
    """
    if response.status in NEEDS_CLARIFICATION and not response.clarifications:
        raise ValueError(f"the status {response.status} says nothing without a clarification")
    if not document.number or not document.seller.endpoint or not document.buyer.endpoint:
        raise ValueError("the document names no number, or no electronic address of its parties")
    root = etree.Element(
        f"{{{UBL}ApplicationResponse-2}}ApplicationResponse",
        nsmap=NAMES,  # type: ignore[arg-type]  # the published types forbid the default namespace
    )
    _value(root, "CustomizationID", CUSTOMIZATION)
    _value(root, "ProfileID", PROFILE)
    _value(root, "ID", response.id)
    _value(root, "IssueDate", response.written_at.date().isoformat())
    _value(root, "IssueTime", response.written_at.strftime("%H:%M:%S"))
    _value(root, "Note", response.note)
    _party(root, "SenderParty", document.buyer)
    _party(root, "ReceiverParty", document.seller)
    answer = _group(root, "DocumentResponse")
    told = _group(answer, "Response")
    _value(told, "ResponseCode", response.status)
    _value(told, "EffectiveDate", response.effective_on.isoformat())
    for each in response.clarifications:
        status = _group(told, "Status")
        _value(status, "StatusReasonCode", each.code, listID=each.list)
        _value(status, "StatusReason", each.text)
    reference = _group(answer, "DocumentReference")
    _value(reference, "ID", document.number)
    _value(reference, "IssueDate", None if document.issue_date is None else document.issue_date.isoformat())
    _value(reference, "DocumentTypeCode", document.type_code or ("381" if document.sign < 0 else "380"))
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _group(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def _value(parent: etree._Element, name: str, value: str | None, **attributes: str | None) -> None:
    if value:
        node = etree.SubElement(parent, f"{{{CBC}}}{name}", {key: each for key, each in attributes.items() if each})
        node.text = value


def _party(root: etree._Element, name: str, party: Party) -> None:
    group = _group(root, name)
    if party.endpoint is not None:
        _value(group, "EndpointID", party.endpoint.value, schemeID=party.endpoint.scheme)
    if party.organisation is not None:
        own = _group(group, "PartyIdentification")
        _value(own, "ID", party.organisation.value, schemeID=party.organisation.scheme)
    if party.name:
        _value(_group(group, "PartyLegalEntity"), "RegistrationName", party.name)
