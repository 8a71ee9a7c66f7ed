"""In a document that breaks the rules of EN 16931 or Peppol."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="DOCUMENT",
    name=("Bryter dokumentregler", "Breaks document rules"),
    action="query",
    severity="formal",
    response=Response("UQ", "LEG"),
    of_header=True,
    sentences=(
        ("Dokumentet bryter regler: {rules}.", "The document breaks rules: {rules}."),
        ("Dokumentet bryter regler.", "The document breaks rules."),
    ),
)
