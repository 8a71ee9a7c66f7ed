"""The causes a difference can have, in the order in which they win.

Of several explanations with as few causes each, the one that stands first here is named; of a pair, the first in this order
gets its single effect and the second the rest. The catch-alls are tried last.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Code = Literal[
    "NOT_ACTIVE",
    "UNKNOWN_ITEM",
    "WRONG_BUYER", "REF_WRONG", "CURRENCY",
    "INVOICE_DUP", "LINE_DUP",
    "QTY_DIFF", "QTY_DUP", "QTY_PERIOD", "QTY_LATE", "QTY_NONBILLABLE",
    "TIER_MODE", "TIER_SCOPE", "TIER_RESET", "TIER_WRONG",
    "RAMP_MISSING", "RAMP_EXPIRED", "RAMP_RATE",
    "PRICE_VERSION", "PRICE_UNIT",
    "INDEX_EARLY", "INDEX_WRONG", "INDEX_MISSING",
    "FIXED_FEE", "MINIMUM_WRONG",
    "ARITHMETIC", "VAT",
    "CREDIT_PENDING", "CREDIT_WRONG",
    "MISSING_LINE",
    "TERMS", "ACCOUNT_CHANGED", "CEILING", "DOCUMENT",
    "ROUNDING",
    "UNEXPLAINED",
]  # fmt: skip
CODES: Final[tuple[Code, ...]] = get_args(Code)

CATCH_ALLS: Final[frozenset[Code]] = frozenset({"QTY_DIFF", "PRICE_UNIT", "TIER_WRONG", "UNEXPLAINED"})

# What a document says of itself, whatever it costs.
HEADER: Final[frozenset[Code]] = frozenset(
    {
        "WRONG_BUYER",
        "REF_WRONG",
        "CURRENCY",
        "VAT",
        "TERMS",
        "ACCOUNT_CHANGED",
        "CEILING",
        "DOCUMENT",
    }
)

Action = Literal["reject", "query", "credit", "note", "wait", "accept", "person"]

FIRST_ACTION: Final[dict[Code, Action]] = {
    "NOT_ACTIVE": "reject",
    "UNKNOWN_ITEM": "query",
    "WRONG_BUYER": "query",
    "REF_WRONG": "query",
    "CURRENCY": "query",
    "INVOICE_DUP": "reject",
    "LINE_DUP": "reject",
    "QTY_DIFF": "query",
    "QTY_DUP": "query",
    "QTY_PERIOD": "query",
    "QTY_LATE": "note",
    "QTY_NONBILLABLE": "query",
    "TIER_MODE": "credit",
    "TIER_SCOPE": "credit",
    "TIER_RESET": "credit",
    "TIER_WRONG": "credit",
    "RAMP_MISSING": "credit",
    "RAMP_EXPIRED": "note",
    "RAMP_RATE": "credit",
    "PRICE_VERSION": "credit",
    "PRICE_UNIT": "credit",
    "INDEX_EARLY": "credit",
    "INDEX_WRONG": "credit",
    "INDEX_MISSING": "note",
    "FIXED_FEE": "credit",
    "MINIMUM_WRONG": "credit",
    "ARITHMETIC": "query",
    "VAT": "query",
    "CREDIT_PENDING": "wait",
    "CREDIT_WRONG": "query",
    "MISSING_LINE": "note",
    "TERMS": "query",
    "ACCOUNT_CHANGED": "query",
    "CEILING": "query",
    "DOCUMENT": "query",
    "ROUNDING": "accept",
    "UNEXPLAINED": "person",
}

_PLACE = {code: place for place, code in enumerate(CODES)}


def order(code: Code) -> tuple[bool, int]:
    """Return what sorts codes: the catch-alls last, else as they stand in the table."""
    return code in CATCH_ALLS, _PLACE[code]


def place(code: Code) -> int:
    """Return a code's place in the table."""
    return _PLACE[code]
