"""Agreements whose answers are known, to hold a mutant against: worked examples, random ones, and what-ifs.

The answers are the slow evaluator's, which shares no code with what is mutated. This module imports nothing of the
product until a case is checked, for it is loaded before the child with the mutant is forked.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import pickle
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.oracle.evaluator import evaluate
from tests.oracle.generator import random_request

ROOT = Path(__file__).resolve().parents[2]
Document = dict[str, Any]
LARGEST_EXAMPLE = 60_000  # characters of a worked example; larger ones say no more and take long to rate


@dataclass(frozen=True, slots=True)
class Case:
    """Hold a price request and its answer, or two requests and what lies between their totals, by trust."""

    name: str
    request: Document
    answer: Document | None = None
    changed: Document | None = None
    difference: dict[str | None, Decimal] | None = None


def cases(seed: int, agreements: int) -> list[Case]:
    """Give the worked examples where they are present and so many random agreements; kept from one run to the next."""
    sources = b"".join(path.read_bytes() for path in sorted((ROOT / "tests" / "oracle").glob("*.py")))
    mark = hashlib.sha256(sources + Path(__file__).read_bytes() + f"{seed} {agreements}".encode()).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"trinnvis-mutation-{os.getuid()}-{mark}.pickle"
    if kept.is_file() and kept.stat().st_uid == os.getuid():
        found: list[Case] = pickle.loads(kept.read_bytes())
        return found
    made = [*_examples(), *_random(seed, agreements)]
    kept.write_bytes(pickle.dumps(made))
    return made


def _examples() -> Iterator[Case]:
    folder = ROOT / os.environ.get("TRINNVIS_SAMPLE_DATA", "../shared/data") / "pricing"
    for name in ("engines.json", "agreements.json"):
        path = folder / name
        for case in json.loads(path.read_text(encoding="utf-8")) if path.is_file() else ():
            request = case["request"]
            if len(json.dumps(request)) < LARGEST_EXAMPLE:
                answer = evaluate(request)
                assert answer["total"] == case["expected_total"], case["id"]
                yield Case(f"{name} {case['id']}", request, answer)


def _random(seed: int, agreements: int) -> Iterator[Case]:
    for number in range(seed, seed + agreements):
        request = random_request(random.Random(number), contested=number % 10 == 0)
        answer = evaluate(request)
        yield Case(f"agreement {number}", request, answer)
        if number % 3 == 0:
            changed = _changed(request, random.Random(-number - 1))
            without, with_ = _by_trust(answer), _by_trust(evaluate(changed))
            difference = {
                trust: with_.get(trust, Decimal(0)) - without.get(trust, Decimal(0)) for trust in without | with_
            }
            yield Case(f"what-if {number}", request, None, changed, {k: v for k, v in difference.items() if v})


def _changed(request: Document, rng: random.Random) -> Document:
    """Take an activation away with its usage, or change the usage alone."""
    changed = copy.deepcopy(request)
    if rng.random() < 0.6:
        gone = rng.choice(changed["activations"])
        key = (gone["trust"], gone["algorithm"])
        changed["activations"] = [a for a in changed["activations"] if (a["trust"], a["algorithm"]) != key]
        changed["usage"] = [u for u in changed["usage"] if (u["trust"], u["algorithm"]) != key]
    else:
        for entry in rng.sample(changed["usage"], min(3, len(changed["usage"]))):
            if entry["quantity"] > 0:
                entry["quantity"] += rng.randrange(1, 50)
    return changed


def _by_trust(answer: Document) -> dict[str | None, Decimal]:
    sums: dict[str | None, Decimal] = {}
    for line in answer["lines"]:
        sums[line["trust"]] = sums.get(line["trust"], Decimal(0)) + Decimal(line["net"])
    return sums


def is_right(case: Case) -> bool:
    """Rate a case with the product, mutated or not, and compare."""
    from billing.rating.rate import compile_terms, marginal, rate
    from billing.schemas.answers import PriceAnswerSchema
    from billing.schemas.price import load_price_request

    request = load_price_request(case.request)
    if case.changed is None:
        assert case.answer is not None
        return _comparable(PriceAnswerSchema().dump(rate(request))) == _comparable(case.answer)
    changed = load_price_request(case.changed)
    compiled = compile_terms(request.agreement, request.price_book, request.activations)
    difference = marginal(compiled, request.usage, changed.usage, request.period, changed.activations)
    by_trust = {trust: amount for trust, amount in difference.by_trust().items() if amount}
    return by_trust == case.difference and difference.total == sum(by_trust.values())


def _comparable(answer: Document) -> object:
    rows = {
        name: Counter(json.dumps(row, sort_keys=True) for row in answer[name])
        for name in ("lines", "excluded", "positions")
    }
    return answer["currency"], answer["total"], rows
