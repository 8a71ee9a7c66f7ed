"""Hold the figures met against each other: the same id has the same value for the same reader, and what sums, sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.crawl.walking import Seen

Values = dict[str, dict[str, str]]


def contradictions(seen: Iterable[Seen]) -> list[str]:
    """Give each figure that has two values for one reader as known at one moment, and each sum that does not hold."""
    groups: dict[tuple[str, str], Values] = defaultdict(lambda: defaultdict(dict))
    for each in seen:
        groups[each.reader, each.known_at][each.id].setdefault(each.value, each.address)
    found = []
    for (reader, known_at), figures in sorted(groups.items()):
        when = f"{reader} as known {known_at}" if known_at else reader
        for id, values in sorted(figures.items()):
            if len(values) > 1:
                found.append(f"{when}: {id} is {' and '.join(f'{value!r} at {at}' for value, at in values.items())}")
        one = {id: next(iter(values)) for id, values in figures.items()}
        found += [f"{when}: {fault}" for fault in sums_that_fail(one)]
    return found


def sums_that_fail(figures: dict[str, str]) -> Iterator[str]:
    """Hold what is said to sum: billed less expected is the difference, a plan's parts are the whole, a budget's months its year."""

    def amount(id: str) -> int | None:
        value = figures.get(id, "")
        return int(value) if value.lstrip("-").isdigit() else None

    for id in figures:
        name, _, keys = id.partition(":")
        if name == "difference":
            billed, expected, difference = (amount(f"{each}:{keys}") for each in ("billed", "expected", name))
            if None not in (billed, expected, difference) and billed - expected != difference:  # type: ignore[operator]
                yield f"{id} is {difference}, billed less expected {billed - expected}"  # type: ignore[operator]
        elif name == "plan" and keys.split(",")[1:] == ["whole"]:
            plan = keys.partition(",")[0]
            own, others, whole = (amount(f"plan:{plan},{part}") for part in ("own", "others", "whole"))
            if None not in (own, others, whole) and own + others != whole:  # type: ignore[operator]
                yield f"{id} is {whole}, its parts {own + others}"  # type: ignore[operator]
        elif name in ("undecided", "disputed", "payable") and (amount(id) or 0) < 0:
            yield f"{id} is {figures[id]}, below zero"
