"""Record the small documents of `tests.examples` in a test's database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from billing.usage import metering
from contracts import agreements
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.schemas.agreement import load_agreement
from tests import examples

SIGNED = datetime(2024, 1, 2, 9, tzinfo=UTC)
COUNTED = datetime(2024, 4, 3, 9, tzinfo=UTC)
AUTUMN = datetime(2024, 10, 30, 9, tzinfo=UTC)


def record_agreement(document: dict[str, Any] | None = None, now: datetime = SIGNED) -> int:
    """Record an agreement (the small one where none is given) and give its id."""
    with db.write() as session:
        return agreements.import_agreement(
            session, document=load_agreement(document or examples.agreement()), actor=COMMAND_LINE, now=now
        ).id


def record_usage(
    agreement_id: int, content: bytes = examples.USAGE_CSV, now: datetime = COUNTED, **options: Any
) -> metering.UsageImportResult:
    """Import a usage file into an agreement."""
    with db.write() as session:
        return metering.import_usage(
            session,
            agreement_id=agreement_id,
            filename="usage.csv",
            content=content,
            actor=options.pop("actor", COMMAND_LINE),
            now=now,
            **options,
        )
