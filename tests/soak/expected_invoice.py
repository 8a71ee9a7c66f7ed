"""The expected invoices of random agreements before an independent validator, and added up against the charges."""

from __future__ import annotations

from billing.ehf.parse import parse
from tests.billing.ehf.examples import fatal, verdict
from tests.expected_documents import random_document
from tests.measure import Row

FULL = 400
# Below this a proof would miss the kinds of lines that few agreements have.
FEWEST = 24


def run(count: float) -> list[Row]:
    """Write 400 × ``count`` documents; at full count more than 300 of them have lines."""
    documents = broken = unequal = 0
    told: list[str] = []
    for seed in range(max(FEWEST, int(FULL * count))):
        rating, content = random_document(seed)
        if content is None:
            continue
        documents += 1
        found = fatal(verdict(content))
        broken += bool(found)
        document = parse(content)
        nets = [line.net for line in document.lines]
        equal = nets == [line.net for line in rating.lines] and document.totals.tax_exclusive == rating.total
        unequal += not equal
        if found or not equal:
            told.append(f"seed {seed}: {found[:3] or 'another sum'}")
    detail = f"{documents} documents" + "".join(f"; {line}" for line in told[:3])
    return [
        Row("expected invoice: documents with a fatal finding", broken, 0, "at_most", detail),
        Row("expected invoice: documents whose lines are not the charges", unequal, 0, "at_most", detail),
    ]
