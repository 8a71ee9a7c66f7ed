"""Invalid input as a problem document (RFC 9457), the same for the API and the commands."""

from __future__ import annotations

from typing import Any

from contracts.terms.price_book import InvalidInput


def problem_of(error: InvalidInput) -> dict[str, Any]:
    """Give invalid input as a problem document's value, every error with its JSON pointer."""
    count = len(error.errors)
    return {
        "type": "about:blank",
        "title": "Invalid input",
        "status": 422,
        "code": "invalid_input",
        "detail": f"the input has {count} error{'' if count == 1 else 's'}",
        "errors": [
            {"pointer": finding.pointer, "code": finding.code, "detail": finding.detail} for finding in error.errors
        ],
    }
