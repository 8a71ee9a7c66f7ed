"""Judge what the product names for a vendor's mistake, by habit: right is the mistake's own code or one that cannot be told apart.

Two codes cannot be told apart where a single mistake of either gives the very same document. Where lines show no count, nothing
tells one wrong count from another, nor from a price that nobody agreed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from billing.causes import Explanation, explain

from .agreements import Agreed
from .cuts import UNCOUNTED, WORDINGS, ZERO, Bill, shuffled
from .mistakes import EVERY_CUT, HEADER, Mistake, catalogue, codes, known_agreement, made, one_of
from .reading import situation

COUNTS = frozenset({"QTY_DIFF", "QTY_DUP", "QTY_PERIOD", "QTY_LATE", "QTY_NONBILLABLE"})


def explained(known: Agreed, bill: Bill, wording: str) -> Explanation:
    """Let the product explain a bill, and hold it to its sums."""
    explanation = explain(situation(known, bill, wording))
    assert sum((each.amount for each in explanation.findings), ZERO) == explanation.difference
    if explanation.comparable:
        assert explanation.invoiced == bill.header.get("tax_exclusive", bill.net)
    return explanation


def names(explanation: Explanation) -> list[str]:
    """Return the codes that are named, roundings apart."""
    found = (*explanation.findings, *explanation.not_invoiced)
    return sorted({finding.code for finding in found if finding.code != "ROUNDING"})


@dataclass(slots=True)
class Alike:
    """Know which codes give the same document as another one."""

    known: Agreed
    cut: str
    _seen: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)

    def gives(self, code: str, bill: Bill) -> bool:
        """Tell whether one mistake of a code gives this bill."""
        key = code, tuple(sorted(bill.fingerprint))
        if key not in self._seen:
            own = catalogue(self.known, code, self.cut) if code in codes() else []
            self._seen[key] = any(tuple(sorted(made(self.known, self.cut, each).fingerprint)) == key[1] for each in own)
        return self._seen[key]


def is_right(named: str, mistake: Mistake, alone: Bill, alike: Alike) -> bool:
    """Tell whether a named code is the mistake's, or one that gives the same."""
    if named == mistake.code:
        return True
    if mistake.code in COUNTS and named in COUNTS and alike.cut in UNCOUNTED and alone.statement is None:
        return True
    if named == "MISSING_LINE" and not Counter(alone.fingerprint) - Counter(made(alike.known, alike.cut).fingerprint):
        return True  # nothing but lines that are not there
    return named not in HEADER and alike.gives(named, alone)


@dataclass(slots=True)
class Table:
    """Count, by habit and by code, what was right, and keep what was not."""

    documents: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    right_by_code: Counter[str] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def add(
        self, habit: str, injected: Iterable[str], named: list[str], *, found: bool, right: bool, what: str
    ) -> None:
        """Count one document."""
        self.documents[habit] += 1
        self.found[habit] += found
        self.right[habit] += right
        for code in injected:
            self.by_code[code] += 1
            self.right_by_code[code] += right
            if not right:
                for each in named or ["nothing"]:
                    self.confusion[code, each] += 1
        if not right:
            self.misses.append(f"{what}: {', '.join(named) or 'nothing'}")

    def share(self, habits: Iterable[str] | None = None) -> float:
        """Return the share that was right, of all habits or of some."""
        wanted = list(self.documents if habits is None else habits)
        return sum(self.right[each] for each in wanted) / max(1, sum(self.documents[each] for each in wanted))

    def told(self) -> str:
        """Write the table."""
        rows = [
            f"  {each:<20} {self.right[each]:>4} of {self.documents[each]:>4}  found {self.found[each]}"
            for each in self.documents
        ]
        for code in sorted(self.by_code):
            if self.right_by_code[code] < self.by_code[code]:
                others = ", ".join(f"{n} {c}" for (own, n), c in sorted(self.confusion.items()) if own == code)
                rows.append(f"    {code:<16} {self.right_by_code[code]:>3} of {self.by_code[code]:>3}  named: {others}")
        return "\n".join(rows)


def _wording(seed: int, cut: str) -> str:
    return WORDINGS[(seed + EVERY_CUT.index(cut)) % len(WORDINGS)]


def clean(first: int, agreements: int, cuts: Iterable[str] = EVERY_CUT) -> Table:
    """Explain bills without a mistake, in every habit."""
    table = Table()
    for seed in range(first, first + agreements):
        known = known_agreement(seed)
        for cut in cuts:
            for wording in (_wording(seed, cut), _wording(seed + 2, cut)):
                bill = shuffled(made(known, cut), random.Random(seed))
                named = names(explained(known, bill, wording))
                table.add(cut, ["clean"], named, found=not named, right=not named, what=f"{seed} {cut} {wording}")
    return table


def singles(first: int, agreements: int, cuts: Iterable[str] = EVERY_CUT, *, every: int = 1) -> Table:
    """Explain bills with one mistake; of the codes one in ``every`` is tried with each agreement and habit."""
    table = Table()
    for seed in range(first, first + agreements):
        known = known_agreement(seed)
        for place, cut in enumerate(cuts):
            for number, code in enumerate(codes()):
                if (number + seed + place) % every:
                    continue
                stated = (seed + number) % 2 == 0
                picked = one_of(known, code, cut, stated)
                if picked is None or (code == "QTY_DIFF" and cut in UNCOUNTED and not stated):
                    continue
                mistake, bill = picked
                wording = _wording(seed, cut)
                named = names(explained(known, shuffled(bill, random.Random(seed)), wording))
                alike = Alike(known, cut)
                right = bool(named) and all(is_right(each, mistake, bill, alike) for each in named)
                what = f"{seed} {cut} {wording} {code} ({mistake.name})"
                table.add(cut, [code], named, found=bool(named), right=right, what=what)
    return table


def pairs(first: int, documents: int, cuts: tuple[str, ...] = EVERY_CUT) -> Table:
    """Explain bills with two mistakes of different codes."""
    table = Table()
    seed = first
    while sum(table.documents.values()) < documents:
        rng = random.Random(f"two {seed}")
        known, cut = known_agreement(seed), cuts[seed % len(cuts)]
        seed += 1
        stated = rng.random() < 0.5 or cut in UNCOUNTED
        one, other = rng.sample([code for code in codes() if code not in ("INVOICE_DUP", "CURRENCY")], 2)
        first_one, second = one_of(known, one, cut, stated), one_of(known, other, cut, stated)
        if first_one is None or second is None:
            continue
        both = (first_one[0], second[0])
        bill = made(known, cut, *both, statement=stated)
        if bill.fingerprint in (first_one[1].fingerprint, second[1].fingerprint):
            continue
        wording = _wording(seed, cut)
        named = names(explained(known, shuffled(bill, rng), wording))
        alike = Alike(known, cut)
        right = all(
            any(
                is_right(each, mistake, alone, alike)
                for mistake, alone in zip(both, (first_one[1], second[1]), strict=True)
            )
            for each in named
        ) and all(
            any(is_right(each, mistake, alone, alike) for each in named)
            for mistake, alone in zip(both, (first_one[1], second[1]), strict=True)
        )
        what = f"{seed - 1} {cut} {wording} {one} ({both[0].name}) + {other} ({both[1].name})"
        table.add(cut, [one, other], named, found=bool(named), right=right, what=what)
    return table


def unexplained(known: Agreed, bill: Bill, wording: str) -> Decimal:
    """Return the largest amount that is left unexplained on a line."""
    found = explained(known, bill, wording).findings
    return max((abs(each.amount) for each in found if each.code == "UNEXPLAINED"), default=ZERO)
