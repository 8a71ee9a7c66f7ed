"""The few kinds of mistakes a caller can make. Entry points turn them into a page, a problem document or an exit code.

What is wrong with the world (an invoice that does not add up) is a value, never one of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.terms.price_book import Finding, InvalidInput
from contracts.terms.workflow import Refusal

__all__ = ["Conflict", "Denied", "Finding", "InvalidInput", "NotFound", "Refused", "TrinnvisError", "invalid"]


class TrinnvisError(Exception):
    """Something the caller can put right, told in one sentence."""


class NotFound(TrinnvisError):
    """What was named does not exist, or the caller may not know that it does."""


class Denied(TrinnvisError):
    """The caller's roles do not allow this act."""


@dataclass(slots=True)
class Conflict(TrinnvisError):
    """The act collides with what is recorded already; ``code`` names how."""

    code: str
    detail: str

    def __str__(self) -> str:
        return self.detail


class Refused(Conflict):
    """A step of the workflow may not be taken: ``refusals`` are the guards that refuse it, with their numbers."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        code = refusals[0].code if refusals[0].guard == "state" else "refused"
        super().__init__(code, "; ".join(refusal.detail for refusal in refusals))
        self.refusals = refusals


def invalid(findings: Iterable[Finding]) -> None:
    """Raise `InvalidInput` with all findings, if there are any."""
    errors = tuple(findings)
    if errors:
        raise InvalidInput(errors)
