"""What a rule is, and how it is asked of a document.

A rule is declared once: the publisher's identifier, how grave a breach is, what it says in both languages, and the
function that finds where it is broken. Most rules are about elements, and name the elements that break them by an
XPath; the rules of sums ask the `Document`, whose amounts are exact decimals.

A path begins at the root (`/*[...]`) or at every element of a name, wherever it stands: `//cac:Price[...]`, or of any
of several names: `//(cac:InvoiceLine|cac:CreditNoteLine)[...]`. The elements are sorted by name once per document, so
that two hundred rules do not walk the document two hundred times.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from lxml import etree

from billing.ehf.document import Document
from billing.ehf.parse import CAC, CBC, line_of, short_name

Severity = Literal["fatal", "warning"]
Failure = tuple[int, str]

NAMESPACES: Final = {"cac": CAC, "cbc": CBC}
LINES: Final = ("InvoiceLine", "CreditNoteLine")

# Parts of the paths below.
LINE: Final = "//(cac:InvoiceLine|cac:CreditNoteLine)"
SELLER: Final = "//cac:AccountingSupplierParty"
BUYER: Final = "//cac:AccountingCustomerParty"
VAT: Final = "[translate(normalize-space(cac:TaxScheme/cbc:ID), 'vat', 'VAT') = 'VAT']"
ALLOWANCE: Final = "[normalize-space(cbc:ChargeIndicator) = 'false' or normalize-space(cbc:ChargeIndicator) = '0']"
CHARGE: Final = "[normalize-space(cbc:ChargeIndicator) = 'true' or normalize-space(cbc:ChargeIndicator) = '1']"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a document breaks: its official identifier, how grave, what was found, and the line of the file."""

    rule: str
    severity: Severity
    detail: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as it was read, beside the elements it was read from, sorted by their short names."""

    document: Document
    root: etree._Element
    named: dict[str, list[etree._Element]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document, root: etree._Element) -> "Reading":
        """Sort the elements below the root by name, each list in the order of the file."""
        named: dict[str, list[etree._Element]] = {}
        for node in root.iterdescendants():
            named.setdefault(short_name(node), []).append(node)
        return cls(document, root, named)

    def every(self, names: Iterable[str]) -> list[etree._Element]:
        """Give the elements of the names, name by name."""
        return [node for name in names for node in self.named.get(name, ())]


@dataclass(frozen=True, slots=True)
class Rule:
    """A published rule; `failures` gives each place where a document breaks it, as line of the file and sentence."""

    id: str
    severity: Severity
    nb: str
    en: str
    failures: Callable[[Reading], Iterable[Failure]]


def nodes(path: str) -> Callable[[Reading], list[etree._Element]]:
    """Compile a path, and give what selects its elements in a document."""
    match = re.fullmatch(r"//\(?((?:c[ab]c:[A-Za-z]+\|?)+)\)?(.*)", path, re.DOTALL)
    names = match[1].split("|") if match else []
    rest = match[2] if match else path
    compiled = etree.XPath(f"$found{rest}" if match else path, namespaces=NAMESPACES)

    def select(reading: Reading) -> list[etree._Element]:
        if not match:
            found: Any = compiled(reading.root)
            return list(found)
        start: Any = reading.every(names)
        if not start or not rest:
            return list(start)
        found = compiled(reading.root, found=start)
        return list(found)

    return select


def wherever(identifier: str, path: str, nb: str, en: str, severity: Severity = "fatal") -> Rule:
    """Declare a rule that is broken by every element at the path."""
    select = nodes(path)

    def failures(reading: Reading) -> Iterator[Failure]:
        for node in select(reading):
            yield line_of(node), f"{en.removesuffix('.')}: {place(node)}"

    return Rule(identifier, severity, nb, en, failures)


def of_document(
    identifier: str,
    ask: Callable[[Document], Iterable[Failure]],
    nb: str,
    en: str,
    severity: Severity = "fatal",
) -> Rule:
    """Declare a rule that is asked of the document's values."""
    return Rule(identifier, severity, nb, en, lambda reading: ask(reading.document))


def said(node: etree._Element) -> str:
    """Give the element's text as the published tests read it: trimmed, inner spaces made one."""
    return " ".join((node.text or "").split())


def place(node: etree._Element) -> str:
    """Name an element for a person: the invoice line it stands on, its name, and what it says.

    >>> from billing.ehf.parse import read_tree
    >>> ubl = "urn:oasis:names:specification:ubl:schema:xsd:"
    >>> root = read_tree(f'<Invoice xmlns="{ubl}Invoice-2" xmlns:c="{CBC}"><c:ID> 7 </c:ID></Invoice>'.encode())
    >>> place(root[0])
    "ID '7'"
    """
    within, steps = "", []
    for each in (node, *node.iterancestors()):
        name = etree.QName(each).localname
        if name in LINES:
            number = each.find("cbc:ID", NAMESPACES)
            within = f"line {said(number) if number is not None else 'without number'}, "
            break
        if each.getparent() is not None:
            steps.append(name)
    where = "/".join(reversed(steps[:2])) or etree.QName(node).localname
    text = said(node)[:60] if len(node) == 0 else ""
    return f"{within}{where}" + (f" '{text}'" if text else "")
