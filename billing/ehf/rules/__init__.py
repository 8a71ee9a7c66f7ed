"""Hold a document to the rules, and say with the official identifiers where it breaks them.

Three layers: the UBL 2.1 schema (`XSD`), the rules of EN 16931 (`BR-...`, `UBL-...`) and those of Peppol BIS Billing
3.0 with the Norwegian ones (`PEPPOL-...`, `NO-R-...`), in the versions of `RULE_VERSION`. Every fatal rule that can
touch a document of a Norwegian seller is asked, or a rule of the same words under another identifier (`SAME_AS`); the
other countries' own rules and the warnings about elements that nobody reads are left out. A finding is a value, never
an exception: an invoice that breaks a rule still has to be read, compared and answered.
"""

import decimal
from typing import Final

from billing.ehf.document import Document
from billing.ehf.parse import read_tree
from billing.ehf.rules.asking import Finding, Reading, Rule, Severity
from billing.ehf.rules.codes import CODES
from billing.ehf.rules.identifiers import IDENTIFIERS, ORGANISATION_SCHEME
from billing.ehf.rules.needed import NEEDED
from billing.ehf.rules.peppol import PEPPOL
from billing.ehf.rules.published import RULE_VERSION
from billing.ehf.rules.repeated import REPEATED
from billing.ehf.rules.schema import SCHEMA_LIMIT, SCHEMA_RULE, schema_findings
from billing.ehf.rules.sums import SUMS
from billing.ehf.rules.tax import TAX

__all__ = [
    "ORGANISATION_SCHEME",
    "PRECISION",
    "RULES",
    "RULE_VERSION",
    "SAME_AS",
    "SCHEMA_LIMIT",
    "SCHEMA_RULE",
    "Finding",
    "Rule",
    "Severity",
    "check",
]

PRECISION: Final = 80

RULES: Final[tuple[Rule, ...]] = (*NEEDED, *REPEATED, *CODES, *SUMS, *TAX, *PEPPOL, *IDENTIFIERS)

SAME_AS: Final = {
    "BR-CO-21": "BR-33",
    "BR-CO-22": "BR-38",
    "BR-CO-23": "BR-42",
    "BR-CO-24": "BR-44",
    "PEPPOL-EN16931-CL001": "BR-CL-24",
    "PEPPOL-EN16931-CL002": "BR-CL-19",
    "PEPPOL-EN16931-CL003": "BR-CL-20",
    "PEPPOL-EN16931-CL006": "BR-CL-06",
    "PEPPOL-EN16931-CL007": "BR-CL-03",
    "PEPPOL-EN16931-R100": "UBL-SR-52",
    "UBL-SR-07": "BR-55",
    **{f"BR-DEC-{number:02}": "UBL-DT-01" for number in (1, 2, 5, 6, *range(9, 21), 23, 24, 25, 27, 28)},
}
"""Published rules that ask what another one asks, and the one that is asked here for both."""


def check(document: Document, data: bytes) -> list[Finding]:
    """Ask every rule of a document read from `data`; give what fails, the schema first, then in the table's order.

    A value that could not be read stands among the schema's findings, with its line.
    """
    root = read_tree(data, limit=len(data))
    reading = Reading.of(document, root)
    findings = schema_findings(document, root)
    with decimal.localcontext(prec=PRECISION):
        for rule in RULES:
            findings += [
                Finding(rule.id, rule.severity, detail, line or None) for line, detail in rule.failures(reading)
            ]
    return findings
