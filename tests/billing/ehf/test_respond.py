"""The Invoice Response that is written keeps the published rules and the UBL 2.1 schema."""

from datetime import UTC, date, datetime
from pathlib import Path

import mockeinvoice
import pytest
from lxml import etree
from mockeinvoice.response import ACTIONS, CODES, REASONS
from mockeinvoice.rules.published import SOURCES

from billing.ehf.parse import CAC, CBC, UBL
from billing.ehf.respond import NEEDS_CLARIFICATION, RESPONSE_VERSION, Clarification, Response, response_bytes
from billing.ehf.rules.published import folder
from tests.billing.ehf.examples import EXAMPLES

WHY = (
    Clarification("OPStatusReason", "PRI", "Priset etter tre trinn, avtalen har to. 1 980,00 kr for mye."),
    Clarification("OPStatusAction", "CNP", "Kreditnota for det omtvistede beløpet"),
)

# The main document of UBL 2.1, of which the installed package has the components alone.
MAIN = f"""<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="{UBL}ApplicationResponse-2"
  xmlns:cac="{CAC}" xmlns:cbc="{CBC}" targetNamespace="{UBL}ApplicationResponse-2" elementFormDefault="qualified">
<xsd:import namespace="{CAC}" schemaLocation="{{common}}/UBL-CommonAggregateComponents-2.1.xsd"/>
<xsd:import namespace="{CBC}" schemaLocation="{{common}}/UBL-CommonBasicComponents-2.1.xsd"/>
<xsd:element name="ApplicationResponse"><xsd:complexType><xsd:sequence>
<xsd:element ref="cbc:CustomizationID" minOccurs="0"/><xsd:element ref="cbc:ProfileID" minOccurs="0"/>
<xsd:element ref="cbc:ID"/><xsd:element ref="cbc:IssueDate"/><xsd:element ref="cbc:IssueTime" minOccurs="0"/>
<xsd:element ref="cbc:Note" minOccurs="0" maxOccurs="unbounded"/>
<xsd:element ref="cac:SenderParty"/><xsd:element ref="cac:ReceiverParty"/>
<xsd:element ref="cac:DocumentResponse" maxOccurs="unbounded"/>
</xsd:sequence></xsd:complexType></xsd:element></xsd:schema>"""


def written(status: str, *why: Clarification, example: str = "prepaid") -> bytes:
    at = datetime(2026, 10, 12, 9, 30, tzinfo=UTC)
    return response_bytes(Response(f"svar-{status}", at, status, date(2026, 10, 12), why), EXAMPLES[example]())


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    path: Path = tmp_path_factory.mktemp("ubl") / "response.xsd"
    path.write_text(MAIN.format(common=folder() / "common"), encoding="utf-8")
    return etree.XMLSchema(etree.parse(str(path)))


@pytest.mark.parametrize("example", ["prepaid", "credit-note", "item-properties"])
@pytest.mark.parametrize("status", sorted(CODES))
def test_every_status_is_written_valid(status: str, example: str, schema: etree.XMLSchema) -> None:
    why = WHY if status in NEEDS_CLARIFICATION else ()
    data = written(status, *why, example=example)
    schema.assertValid(etree.fromstring(data))
    response, report = mockeinvoice.validate_response(data)
    assert [finding for finding in report.findings if finding.level != "warning"] == []
    assert report.verdict == "valid"
    assert (response.code, response.document.id) == (status, EXAMPLES[example]().number)
    assert [(each.list_id, each.reason_code) for each in response.statuses] == [(each.list, each.code) for each in why]


def test_the_same_response_gives_the_same_bytes() -> None:
    assert written("RE", *WHY) == written("RE", *WHY)


@pytest.mark.parametrize("status", sorted(NEEDS_CLARIFICATION))
def test_a_query_or_a_rejection_says_why(status: str) -> None:
    with pytest.raises(ValueError, match="clarification"):
        written(status)


def test_the_version_is_that_of_the_judge_s_rules() -> None:
    assert SOURCES["peppol-response"][0].endswith(f" {RESPONSE_VERSION}")


def test_our_codes_are_the_published_ones() -> None:
    from billing import causes
    from billing.reconciliation import dispute_terms

    assert set(causes.RESPONSE_STATUSES) == set(CODES)
    assert set(causes.REASONS) == set(REASONS)
    assert set(dispute_terms.ACTIONS.values()) <= set(ACTIONS)
