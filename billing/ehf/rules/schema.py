"""The UBL 2.1 schema: what it says of a document, beside what could not be read."""

import re
import threading
from functools import cache
from typing import Any, Final

from lxml import etree

from billing.ehf.document import Document, Kind
from billing.ehf.parse import A_DATE, A_FLAG
from billing.ehf.rules.asking import Finding
from billing.ehf.rules.published import folder

SCHEMA_RULE: Final = "XSD"
SCHEMA_LIMIT: Final = 50
"""No more places than this are told of one document; a last finding says how many there are besides."""

_SCHEMA_LOCK: Final = threading.Lock()
"""A compiled schema keeps the errors of its last validation, so two threads must not validate at once."""


@cache
def _schema(kind: Kind) -> etree.XMLSchema:
    """Compile the UBL 2.1 schema once."""
    name = "UBL-Invoice-2.1.xsd" if kind == "invoice" else "UBL-CreditNote-2.1.xsd"
    return etree.XMLSchema(etree.parse(str(folder() / "maindoc" / name), etree.XMLParser(no_network=True)))


def schema_findings(document: Document, root: etree._Element) -> list[Finding]:
    """Tell what the schema says and what could not be read, each place once, in the order of the file."""
    schema = _schema(document.kind)
    with _SCHEMA_LOCK:
        schema.validate(root)
        errors: Any = schema.error_log
    first: dict[str, Any] = {}
    for error in errors:
        # One bad value is an error of its text and one of its type: the first one says what is wrong.
        first.setdefault(error.path or "", error)
    wrong = {(error.line, _last_name(path)) for path, error in first.items()}
    unread = {(fault.line, _last_name(fault.path)) for fault in document.faults}
    # Where we could not read a value, our own sentence is clearer than the schema's. What the schema lets pass (a
    # date with a time zone, a flag of 1) has rules of its own.
    told = [
        (fault.line, f"{fault.path}: '{fault.text}' is not {fault.expected}")
        for fault in document.faults
        if fault.expected not in (A_DATE, A_FLAG) or (fault.line, _last_name(fault.path)) in wrong
    ]
    for path, error in first.items():
        if (error.line, _last_name(path)) not in unread:
            told.append((error.line, re.sub(r"\{[^}]*\}", "", error.message)))
    told.sort(key=lambda each: each[0])
    findings = [Finding(SCHEMA_RULE, "fatal", detail, line) for line, detail in told[:SCHEMA_LIMIT]]
    if len(told) > SCHEMA_LIMIT:
        findings.append(Finding(SCHEMA_RULE, "fatal", f"{len(told) - SCHEMA_LIMIT} more places are not listed"))
    return findings


def _last_name(path: str) -> str:
    return re.sub(r"\[[0-9]+\]$", "", path).rpartition("/")[2]
