"""What a figure is: a value under an id that says the same everywhere, and what the id means.

An id is a name and the keys that it is of: `payable:2026-Q3`, `budget:6120,2026,2026-07`. A figure that a trust reads of itself
has the trust's code as a further key. The function that computes a figure is marked by `means`, which puts its definition into
the register; whatever shows a figure asks that function and carries the id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Literal, ParamSpec

from contracts.terms.money import ore

Value = Decimal | date | str | None
Unit = Literal["amount", "day", "word"]
Readers = Literal["everybody", "all trusts"]
Asked = ParamSpec("Asked")

_ID: Final = re.compile(r"[a-z]+(-[a-z]+)*(:[A-Za-z0-9._/-]+(,[A-Za-z0-9._/-]+)*)?")


@dataclass(frozen=True, slots=True)
class Figure:
    """A value under its id: kroner, a day, or one word of a table; ``None`` where the figure is not known.

    >>> Figure("payable:2026-Q3", Decimal("1250.50")).wire
    '125050'
    """

    id: str
    value: Value

    def __post_init__(self) -> None:
        assert _ID.fullmatch(self.id), f"{self.id} is no figure's id"

    @property
    def name(self) -> str:
        """Give the id without its keys."""
        return self.id.partition(":")[0]

    @property
    def wire(self) -> str:
        """Give the value as machines compare it: whole øre, an ISO day or the word; empty where it is not known."""
        if isinstance(self.value, Decimal):
            return str(ore(self.value))
        if isinstance(self.value, date):
            return self.value.isoformat()
        return self.value or ""

    @property
    def ore(self) -> int | None:
        """Give the whole øre of an amount, as a table has it: a text with a minus is guarded there against formulas."""
        return None if self.value is None else ore(self.amount)

    @property
    def amount(self) -> Decimal:
        """Give the kroner of a figure that is known to be an amount."""
        assert isinstance(self.value, Decimal), f"{self.id} is {self.value!r}, no amount"
        return self.value


@dataclass(frozen=True, slots=True)
class Meaning:
    """The definition of a figure: the keys of its id, its unit, sign and cut-off, who may read it, and where it is computed.

    ``nb`` and ``en`` are the one sentence that explains it to people.
    """

    name: str
    keys: tuple[str, ...]
    unit: Unit
    sign: str
    cut_off: str
    readers: Readers
    nb: str
    en: str
    place: str = ""

    @property
    def form(self) -> str:
        """Write the form of its ids: `payable:quarter`."""
        return f"{self.name}:{','.join(self.keys)}" if self.keys else self.name

    def of(self, value: Value, *keys: str) -> Figure:
        """Give the figure with this meaning: as many keys as its form has, and a trust's code after them where it is one's own."""
        assert len(self.keys) <= len(keys) <= len(self.keys) + 1, f"{self.form} has other keys than {keys}"
        return Figure(f"{self.name}:{','.join(keys)}" if keys else self.name, value)


_REGISTER: Final[dict[str, Meaning]] = {}


def means(
    meaning: Meaning,
) -> Callable[[Callable[Asked, Figure]], Callable[Asked, Figure]]:
    """Mark the function that computes a figure; two functions for one figure are refused."""

    def mark(function: Callable[Asked, Figure]) -> Callable[Asked, Figure]:
        assert meaning.name not in _REGISTER, f"{meaning.name} is computed twice"
        place = f"{function.__module__}.{function.__qualname__}"
        _REGISTER[meaning.name] = replace(meaning, place=place)
        return function

    return mark


def registered() -> dict[str, Meaning]:
    """Give the meanings of all figures whose modules are loaded, by name."""
    return dict(_REGISTER)
