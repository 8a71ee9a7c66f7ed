"""From another seller, or to another bank account, than known: nothing is paid until a person has checked it."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="ACCOUNT_CHANGED",
    name=("Ny avsender eller bankkonto", "New seller or bank account"),
    action="query",
    severity="stops",
    response=Response("UQ", "PAY"),
    of_header=True,
    sentences=(
        (
            "Avsender er {seller}; avtalens leverandør er {agreed_seller}. Bankkonto {billed} er ikke kjent fra før; kjent er "
            "{expected}. Ikke betal før begge er kontrollert.",
            "The seller is {seller}; the agreement's vendor is {agreed_seller}. Bank account {billed} is not known; known is "
            "{expected}. Do not pay until both have been checked.",
        ),
        (
            "Avsender er {seller}; avtalens leverandør er {agreed_seller}. Ikke betal før avsenderen er kontrollert.",
            "The seller is {seller}; the agreement's vendor is {agreed_seller}. Do not pay until the seller has been checked.",
        ),
        (
            "Avsender oppgir ikke organisasjonsnummer; avtalens leverandør er {agreed_seller}. Ikke betal før avsenderen er "
            "kontrollert.",
            "The seller names no organisation number; the agreement's vendor is {agreed_seller}. Do not pay until the seller "
            "has been checked.",
            "another_seller",
        ),
        (
            "Bankkonto {billed} er ikke kjent fra før; kjent er {expected}. Ikke betal før kontoen er kontrollert.",
            "Bank account {billed} is not known; known is {expected}. Do not pay until it has been checked.",
        ),
        (
            "Bankkontoen er ikke kjent fra før. Ikke betal før den er kontrollert.",
            "The bank account is not known. Do not pay until it has been checked.",
        ),
    ),
)
