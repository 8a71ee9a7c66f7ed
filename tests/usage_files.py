"""Usage of one year at 54 activations, for benchmarks and long proofs: the agreement, and files of events."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from billing.example.agreement import agreement_document

FIRST = datetime(2025, 1, 1, 1, tzinfo=UTC)
HEADER = "event_id,trust,algorithm,time,status\n"
_SECONDS = 364 * 24 * 3600


def whole_agreement() -> dict[str, Any]:
    """Give the example's agreement with all six algorithms running at all nine trusts from the start of 2025."""
    document = agreement_document()
    document["activations"] = [
        {"trust": trust, "algorithm": algorithm, "validation_from": None, "go_live": "2025-01-01", "end": None}
        for trust in trusts(document)
        for algorithm in algorithms(document)
    ]
    return document


def trusts(document: dict[str, Any]) -> list[str]:
    """Give the codes of the option holders."""
    return [holder["code"] for holder in document["option_holders"]]


def algorithms(document: dict[str, Any]) -> list[str]:
    """Give the codes of the algorithms."""
    return [algorithm["code"] for algorithm in document["algorithms"]]


def event_lines(count: int, *, first: int = 0, seed: int = 20_250_101, shuffled: bool = False) -> Iterator[str]:
    """Give the lines of so many events over one year, the same for the same numbers whatever else is asked for.

    One in fifty failed, one in fifty was repeated.
    """
    document = whole_agreement()
    places = [f"{trust},{algorithm}" for trust in trusts(document) for algorithm in algorithms(document)]
    numbers: Sequence[int] = range(first, first + count)
    if shuffled:
        numbers = random.Random(seed).sample(numbers, count)
    for number in numbers:
        yield _line(number, places, seed)


def _line(number: int, places: list[str], seed: int) -> str:
    bits = (number * 0x9E3779B97F4A7C15 + seed * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    bits = ((bits ^ bits >> 30) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    place, bits = places[bits % len(places)], bits // len(places)
    status, bits = ("failed", "repeated", "completed")[min(bits % 50, 2)], bits // 50
    at = FIRST + timedelta(seconds=bits % _SECONDS)
    return f"ev-{number:012d},{place},{at:%Y-%m-%dT%H:%M:%S}Z,{status}\n"


def write_events(path: Path, count: int, **options: Any) -> Path:
    """Write a file of events."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(event_lines(count, **options))
    return path
