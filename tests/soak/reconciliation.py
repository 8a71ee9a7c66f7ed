"""Explanations against injected faults: every code alone and in pairs, clean documents, and matching, on random agreements.

The faults are injected by `tests.injector`, which knows nothing of the product; the confusion table says which codes are
named for which injected ones.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.causes import CATCH_ALLS
from billing.causes.matching import match
from billing.rating.lines import Line
from billing.rating.rate import rate
from billing.schemas.price import load_price_request
from tests.injector.documents import GRAINS, by_names_only, invoice_lines, shuffled
from tests.injector.faults import codes, send, single
from tests.injector.judged import Verdict, explained, judge_pair, judge_single
from tests.injector.presented import NAMES, billed_line
from tests.injector.worlds import Document, World, random_world
from tests.measure import Row

WORLDS = 60
CLEAN = 1000
PAIRS = 600
MATCHED = 120


@dataclass(slots=True)
class Tally:
    """Count verdicts, and which codes were named for which injected ones.

    `others` are injected faults of other codes than the catch-alls, `taken` the documents with such faults for which a
    catch-all was named that was not injected.
    """

    documents: int = 0
    found: int = 0
    right: int = 0
    others: int = 0
    taken: int = 0
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def add(self, label: str, injected: Sequence[str], verdict: Verdict) -> None:
        """Count one verdict."""
        others = [code for code in injected if code not in CATCH_ALLS]
        self.others += len(others)
        self.taken += bool(others and (verdict.named & CATCH_ALLS) - set(injected))
        self.documents += 1
        self.found += verdict.found
        self.right += verdict.right
        for code in injected:
            self.injected[code] += 1
            for named in verdict.named or {"(nothing)"}:
                self.confusion[code, named] += 1
        if not (verdict.found and verdict.right):
            how = "" if verdict.found else "not found; "
            self.misses.append(f"{label}: {how}named {', '.join(sorted(verdict.named)) or 'nothing'}")

    def caught(self) -> float:
        """Return the share of faults of other codes that a catch-all took, alone or with others."""
        return self.taken / max(1, self.others)


def singles(first: int, worlds: int, *, every_grain: bool = False) -> Tally:
    """Inject every code into so many worlds, one fault a document, the grains in turn."""
    tally = Tally()
    for seed in range(first, first + worlds):
        world = random_world(seed)
        for number, code in enumerate(codes()):
            for grain in GRAINS if every_grain else [GRAINS[(seed + number) % len(GRAINS)]]:
                picked = single(world, code, grain)
                if picked is not None:
                    fault, sent = picked
                    verdict = judge_single(world, grain, send(world, grain), fault, sent)
                    tally.add(f"{seed} {grain} {code} ({fault.name})", [code], verdict)
    return tally


def pairs(first: int, documents: int) -> Tally:
    """Inject two faults of different codes into so many documents."""
    tally = Tally()
    seed = first
    while tally.documents < documents:
        rng = random.Random(f"pair {seed}")
        world, grain = random_world(seed), GRAINS[seed % len(GRAINS)]
        seed += 1
        one, other = rng.sample([code for code in codes() if code not in ("ROUNDING", "INVOICE_DUP", "CURRENCY")], 2)
        picked = single(world, one, grain), single(world, other, grain)
        if picked[0] is None or picked[1] is None:
            continue
        faults = picked[0][0], picked[1][0]
        right, sent = send(world, grain), send(world, grain, *faults)
        alone = {right.fingerprint, picked[0][1].fingerprint, picked[1][1].fingerprint}
        if sent.fingerprint in alone:
            continue  # one of the two takes the other's effect away
        verdict = judge_pair(world, grain, right, faults, sent)
        tally.add(f"{seed - 1} {grain} {one} ({faults[0].name}) + {other} ({faults[1].name})", [one, other], verdict)
    return tally


def unclean(first: int, documents: int) -> list[str]:
    """Explain so many documents without a fault and tell of every finding."""
    told = []
    for seed in range(first, first + documents):
        grain = GRAINS[seed % len(GRAINS)]
        world = random_world(seed)
        explanation = explained(world, send(world, grain))
        if not explanation.is_clean:
            told.append(f"{seed} {grain}: {explanation.findings[:1] or explanation.not_invoiced[:1]}")
    return told


@dataclass(slots=True)
class Pairings:
    """Count pairs of an invoice line and an expected line: agreed on, only matched, only true; and matches across trusts."""

    both: int = 0
    only_matched: int = 0
    only_true: int = 0
    across: int = 0

    @property
    def f1(self) -> float:
        """Return F1 over the pairs."""
        return 2 * self.both / max(1, 2 * self.both + self.only_matched + self.only_true)


def matching_set(world: World, grain: str, how: str) -> tuple[list[Document], list[Document], tuple[Line, ...]]:
    """Write a world's due lines at a grain, with item ids or by names, in shuffled order; give them with both sides."""
    due = world.due()
    lines = invoice_lines(world, due, grain)
    rng = random.Random(f"{world.seed} {grain} {how}")
    spoken = by_names_only(lines, rng) if how == "names" else lines
    return shuffled(spoken, rng), due, rate(load_price_request(world.request)).lines


def matched(first: int, worlds: int) -> dict[tuple[str, str], Pairings]:
    """Match documents of three grains, with item ids and with names only, and hold the pairs against the writer's."""
    found = {(grain, how): Pairings() for grain in GRAINS for how in ("ids", "names")}
    for seed in range(first, first + worlds):
        world = random_world(seed)
        for (grain, how), count in found.items():
            lines, due, expected = matching_set(world, grain, how)
            number_of = {_identity(line): number for number, line in enumerate(due)}
            trust_of = {line["id"]: {due[n]["trust"] for n in line["covers"]} for line in lines}
            true = {(line["id"], number) for line in lines for number in line["covers"]}
            mine = set()
            for group in match([billed_line(line) for line in lines], expected, NAMES):
                for one in group.billed:
                    for other in group.expected:
                        mine.add((one.id, number_of[_rated_identity(other)]))
                        count.across += other.trust not in trust_of[one.id]
            count.both += len(true & mine)
            count.only_matched += len(mine - true)
            count.only_true += len(true - mine)
    return found


def _identity(line: Document) -> tuple[object, ...]:
    reprices = (line["reprices"] or {}).get("from")
    place = line["charge"], line["trust"], line["algorithm"], line["period"]["from"], line["phase"]
    return (*place, line["tier"], line["why"], reprices)


def _rated_identity(line: Line) -> tuple[object, ...]:
    reprices = None if line.reprices is None else line.reprices.start.isoformat()
    place = line.charge, line.trust, line.algorithm, line.period.start.isoformat(), line.phase
    return (*place, line.tier, line.why, reprices)


def print_confusion(tally: Tally) -> None:
    """Print the codes named for each injected code, how often."""
    for code in sorted(tally.injected, key=codes().index):
        named = sorted(
            ((other, number) for (injected, other), number in tally.confusion.items() if injected == code),
            key=lambda pair: (pair[0] != code, -pair[1], pair[0]),
        )
        said = ", ".join(f"{other} {number}" for other, number in named)
        print(f"  {code:<16} {tally.injected[code]:>4}  {said}", file=sys.stderr)


def run(count: float) -> list[Row]:
    """Run every figure at ``count`` times its full size."""
    alone = singles(0, max(2, int(WORLDS * count)))
    print("injected alone: how many, and what was named", file=sys.stderr)
    print_confusion(alone)
    two = pairs(10_000, max(10, int(PAIRS * count)))
    told = unclean(20_000, max(10, int(CLEAN * count)))
    sets = matched(30_000, max(3, int(MATCHED * count)))
    for miss in (alone.misses + two.misses)[:60]:
        print(f"  {miss}", file=sys.stderr)

    def share(part: int, whole: int) -> float:
        return float(Decimal(part) / Decimal(max(1, whole)))

    rarest = min(codes(), key=lambda code: alone.injected[code])
    worst = min(sets, key=lambda key: sets[key].f1)
    return [
        Row(
            "codes injected alone",
            share(sum(alone.injected[code] > 0 for code in codes()), len(codes())),
            1.0,
            "at_least",
            f"{len(codes())} codes; least often {rarest}, {alone.injected[rarest]} times",
        ),
        Row(
            "single faults found", share(alone.found, alone.documents), 1.0, "at_least", f"{alone.documents} documents"
        ),
        Row("single faults named right", share(alone.right, alone.documents), 0.98, "at_least", f"{alone.right} right"),
        Row("catch-alls named for single faults of other codes", alone.caught(), 0.02, "at_most", f"{alone.taken}"),
        Row("catch-alls named for pairs of other codes", two.caught(), 0.02, "at_most", f"{two.taken}"),
        Row(
            "pairs of faults both found",
            share(two.found, two.documents),
            0.95,
            "at_least",
            f"{two.documents} documents",
        ),
        Row(
            "pairs of faults both named right", share(two.right, two.documents), 0.85, "at_least", f"{two.right} right"
        ),
        Row("findings on clean documents", len(told), 0, "at_most", "; ".join(told[:2]) or "none but rounding"),
        Row("matching: least F1 of three grains", sets[worst].f1, 0.97, "at_least", " by ".join(worst)),
        Row("matching: pairs across trusts", sum(each.across for each in sets.values()), 0, "at_most"),
    ]
