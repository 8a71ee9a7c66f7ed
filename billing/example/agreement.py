"""The agreement of the example, as the document that ``flask agreement import`` reads: `agreement.json`.

The trusts are real, with their real numbers and regions. All else is invented: the vendor, the products and their
makers, every price, every date but the first go-live, the values and the people. It is labelled as example data
wherever it is shown. Prices lie between the levels that are published for such analyses in other countries.

The term is two years and one and one, both taken up: 01.01.2024 to 31.12.2027. Values are kroner without VAT. The version of
2026 is the first amendment: prices at the level of 2025, and a further, cheaper tier where most is used. Activations stand in
the order in which what is known about each was recorded last: when it was ordered, or when it was ended. Vestre Viken began
before this agreement did; its metastasis product was given up when it found too little.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

Document = dict[str, Any]

CODE: Final = "ra-2024-ki"


def agreement_document() -> Document:
    """Give the whole document, new each time, so that a caller may change its copy."""
    document: Document = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return document
