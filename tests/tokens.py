"""Tokens for tests that are inside an app's context."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant


def bearer(role: str, trust: str | None = None) -> dict[str, str]:
    """Make a token of a role (within a trust) and give the header that carries it."""
    with db.write() as session:
        issued = access.create_token(
            session, name=f"test {role}", grant=Grant(role, trust), actor=COMMAND_LINE, now=datetime.now(UTC)
        )
    return {"Authorization": f"Bearer {issued.bearer}"}
