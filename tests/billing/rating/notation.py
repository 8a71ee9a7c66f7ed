"""The domain's own notation for tests: amounts, tiers, and a small agreement to rate under."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.rating.rate import Line, PriceRequest, Rating, rate
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, IndexAdjustment, PriceBook, PriceBookVersion, Usage
from contracts.terms.price_model import Charge, Conventions, Counter, Limit, RampPhase, RampUp, UsageCharge
from contracts.terms.price_models import Graduated, Tier

TERM = AgreementTerm(date(2024, 1, 1), date(2026, 1, 1))
CT = "ct-pe"
MR = "mr-ms-followup"


def nok(text: str) -> Decimal:
    """Read "1 234,50" as 1234.50 kroner."""
    return Decimal(text.replace(" ", "").replace(" ", "").replace(",", "."))


def day(text: str) -> date:
    """Read an ISO date."""
    return date.fromisoformat(text)


def tiers(text: str) -> tuple[Tier, ...]:
    """Read "200@60+100, *@45": up to 200 at 60 kr with a flat fee of 100 kr, the rest at 45 kr."""
    read = []
    for part in text.split(","):
        bound, _, price = part.strip().partition("@")
        unit_price, _, fee = price.partition("+")
        read.append(Tier(None if bound == "*" else int(bound), Decimal(unit_price), Decimal(fee or "0")))
    return tuple(read)


def ramp(*phases: str, starts: str = "go_live", counts: bool = True) -> RampUp:
    """Read "3m@0.50" or "100u@0.25" phases."""
    read = []
    for phase in phases:
        length, _, discount = phase.partition("@")
        number = int(length[:-1])
        read.append(RampPhase(Decimal(discount), **{"m": {"months": number}, "u": {"units": number}}[length[-1]]))
    return RampUp(tuple(read), starts, counts)  # type: ignore[arg-type]


def limit(amount: str, per: str = "agreement", window: str = "quarter", indexed: bool = False) -> Limit:
    """Make a minimum or maximum."""
    return Limit(nok(amount), per, window, indexed)  # type: ignore[arg-type]


def usage_charge(
    model: object, scope: str = "agreement", window: str = "calendar_year", code: str = "analysis", **more: object
) -> UsageCharge:
    """Make a usage charge of all algorithms; a string of tiers is graduated."""
    model = Graduated(tiers(model)) if isinstance(model, str) else model
    more.setdefault("algorithms", None)
    return UsageCharge(code=code, clause="7.1", model=model, counter=Counter(scope, window), **more)  # type: ignore[arg-type]


def book(*charges: Charge, conventions: Conventions | None = None, index: dict[str, str] | None = None) -> PriceBook:
    """Make a book of one version valid from the start of TERM."""
    adjustments = tuple(IndexAdjustment(day(on), Decimal(factor), "7.3") for on, factor in (index or {}).items())
    return PriceBook(conventions or Conventions(), adjustments, (PriceBookVersion(TERM.start, "Bilag 7", charges),))


def versions(**by_day: tuple[Charge, ...]) -> PriceBook:
    """Make a book of versions written d2024_01_01=(charges…)."""
    return PriceBook(
        versions=tuple(
            PriceBookVersion(day(name[1:].replace("_", "-")), f"Versjon {i}", charges)
            for i, (name, charges) in enumerate(by_day.items(), start=1)
        )
    )


def active(trust: str, algorithm: str = CT, go_live: str = "2024-01-01", **dates: str) -> Activation:
    """Make an activation."""
    return Activation(trust, algorithm, day(go_live), **{name: day(text) for name, text in dates.items()})


def used(trust: str, on: str, quantity: int, algorithm: str = CT) -> Usage:
    """Make usage."""
    return Usage(trust, algorithm, day(on), quantity)


def rated(
    price_book: PriceBook,
    activations: list[Activation],
    usage: list[Usage],
    start: str = "2024-01-01",
    end: str = "2026-01-01",
    term: AgreementTerm = TERM,
) -> Rating:
    """Rate from start to end."""
    return rate(PriceRequest(term, Period(day(start), day(end)), price_book, tuple(activations), tuple(usage)))


def brief(line: Line) -> tuple[object, ...]:
    """Return what tells lines apart in a test: trust, month, tier, phase, quantity, net, why."""
    month = line.period.start.isoformat()[:7]
    return line.trust, month, line.tier, line.phase, line.quantity, line.net, line.why


def briefs(rating: Rating) -> list[tuple[object, ...]]:
    """Return every line briefly, sorted."""
    return sorted((brief(line) for line in rating.lines), key=repr)
