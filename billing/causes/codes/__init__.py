"""The causes a difference can have: a file for each, and the order in which they win.

Of several explanations with as few causes each, the one that stands first here is named; of a pair, the first in this order
gets its single effect and the second the rest. The catch-alls are tried last. Whatever is known of a code stands in its file.
"""

from __future__ import annotations

from typing import Final

from billing.causes.codes import (
    account_changed,
    arithmetic,
    ceiling,
    credit_pending,
    credit_wrong,
    currency,
    document,
    fixed_fee,
    index_early,
    index_missing,
    index_wrong,
    invoice_dup,
    line_dup,
    minimum_wrong,
    missing_line,
    not_active,
    price_unit,
    price_version,
    qty_diff,
    qty_dup,
    qty_late,
    qty_nonbillable,
    qty_period,
    ramp_expired,
    ramp_missing,
    ramp_rate,
    ref_wrong,
    rounding,
    terms,
    tier_mode,
    tier_reset,
    tier_scope,
    tier_wrong,
    unexplained,
    unknown_item,
    vat,
    wrong_buyer,
)
from billing.causes.declared import CODES, Action, Cause, Code

_FILES = (
    not_active,
    unknown_item,
    wrong_buyer,
    ref_wrong,
    currency,
    invoice_dup,
    line_dup,
    qty_diff,
    qty_dup,
    qty_period,
    qty_late,
    qty_nonbillable,
    tier_mode,
    tier_scope,
    tier_reset,
    tier_wrong,
    ramp_missing,
    ramp_expired,
    ramp_rate,
    price_version,
    price_unit,
    index_early,
    index_wrong,
    index_missing,
    fixed_fee,
    minimum_wrong,
    arithmetic,
    vat,
    credit_pending,
    credit_wrong,
    missing_line,
    terms,
    account_changed,
    ceiling,
    document,
    rounding,
    unexplained,
)
CAUSES: Final[dict[Code, Cause]] = {file.CAUSE.code: file.CAUSE for file in _FILES}
CATCH_ALLS: Final = frozenset(code for code, cause in CAUSES.items() if cause.catch_all)
HEADER: Final = frozenset(code for code, cause in CAUSES.items() if cause.of_header)
FIRST_ACTION: Final[dict[Code, Action]] = {code: cause.action for code, cause in CAUSES.items()}

_PLACE = {code: place for place, code in enumerate(CODES)}


def order(code: Code) -> tuple[bool, int]:
    """Return what sorts codes: the catch-alls last, else as they stand in the table."""
    return code in CATCH_ALLS, _PLACE[code]


def place(code: Code) -> int:
    """Return a code's place in the table."""
    return _PLACE[code]
