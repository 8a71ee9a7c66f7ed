"""Expected invoices of random agreements, made without a database."""

from __future__ import annotations

import hashlib
import random
import sys
from datetime import UTC, datetime
from decimal import Decimal

from billing.ehf.write import write_invoice
from billing.invoices.expected import Parties, draft_of
from billing.invoices.setup import NO_REFERENCES, TEN_DIGITS, Recipient, References
from billing.rating.lines import Line, Rating
from billing.rating.rate import rate
from billing.schemas.price import load_price_request
from contracts.agreements import AgreementSummary
from contracts.terms.agreement import Party
from contracts.terms.price_book import AgreementTerm
from tests.oracle.generator import random_request

SIGNED = datetime(2024, 1, 2, 9, tzinfo=UTC)
REFERENCES = (
    NO_REFERENCES,
    References("RAD-1001"),
    References(None, "4500218861", TEN_DIGITS),
    References("Innkjøp & drift", "PO-7", "PO-#", "983971636", "Sykehusveien 25", "1478", "Nordbyhagen"),
)
RATES = ("0.25", "0.25", "0.15", "0.12", "0")


def random_document(seed: int) -> tuple[Rating, bytes | None]:
    """Rate a random agreement and write its expected invoice; None where nothing is due."""
    rng = random.Random(seed)
    request = load_price_request(random_request(rng, contested=seed % 10 == 0))
    rating = rate(request)
    agreement = AgreementSummary(
        id=1,
        code="ra-1",
        name="Tilfeldig avtale",
        reference="2024/118",
        example=seed % 2 == 0,
        buyer=Party("kjoper", "Kjøper HF", "987654325", "Norge"),
        vendor=Party("selger", "Selger & Sønn AS", "123456785", "Norge"),
        term=AgreementTerm(request.agreement.start, request.agreement.end, "NOK"),
        estimated_value=None,
        maximum_value=None,
        vat_rate=Decimal(rng.choice(RATES)),
        payment_days=rng.choice((14, 30, 45)),
        recorded_at=SIGNED,
    )
    parties = Parties(
        seller=Recipient("selger", "Selger & Sønn AS", "123456785", NO_REFERENCES),
        buyer=Recipient("kjoper", "Kjøper HF", "987654325", rng.choice(REFERENCES)),
        trusts={},
        products={},
    )
    lines: tuple[Line, ...] = rating.lines
    trust = rng.choice([None, None, *{line.trust: None for line in lines}])
    lines = tuple(line for line in lines if trust is None or line.trust == trust)
    shown = Rating(rating.currency, lines, (), ())
    if not lines:
        return shown, None
    draft = draft_of(agreement, parties, request.period, request.period.label(), trust, lines)
    return shown, write_invoice(draft)


def digest(seeds: range) -> str:
    """Give one hash over the documents of so many random agreements."""
    whole = hashlib.sha256()
    for seed in seeds:
        whole.update(random_document(seed)[1] or b"-")
    return whole.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest(range(int(sys.argv[1]))))
