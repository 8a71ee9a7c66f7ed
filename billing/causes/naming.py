"""Which trust, algorithm or charge a billed line names, where it names it by words alone.

A whole name in the text decides. Otherwise the words decide that only one candidate has ("Ahus", "skjelett"), spelt nearly
right: whole names that resemble each other ("Sykehuset Østfold", "Sykehuset Innlandet") differ in exactly those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import SequenceMatcher
from typing import Literal

from contracts.terms.period import Period

_WORD = re.compile(r"[^\W_]+")
_NUMBERED = re.compile(r"\b(trinn|tier|step|fase|phase)\s*[:#]?\s*([0-9]{1,2})\b")
_ISO_MONTH = re.compile(r"\b(20[0-9]{2})-(0[1-9]|1[0-2])\b")
_QUARTER = re.compile(r"\b(?:(20[0-9]{2})[-\s]*[qk]([1-4])|[qk]([1-4])[-\s]*(20[0-9]{2}))\b")
_MONTHS = (
    ("januar", "january"), ("februar", "february"), ("mars", "march"), ("april",), ("mai", "may"), ("juni", "june"),
    ("juli", "july"), ("august",), ("september",), ("oktober", "october"), ("november",), ("desember", "december"),
)  # fmt: skip
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
_NAMED_MONTH = re.compile(rf"\b({'|'.join(_MONTH_OF)})\s+(20[0-9]{{2}})\b")
_NUMBERED_MONTH = re.compile(r"(?<![0-9./])(0?[1-9]|1[0-2])[./](20[0-9]{2})\b")
_TWO_DAYS = re.compile(
    r"\b([0-3]?[0-9])\.([01]?[0-9])\.(20[0-9]{2})\s*(?:-|–|til|to)\s*([0-3]?[0-9])\.([01]?[0-9])\.(20[0-9]{2})\b"
)
_QUARTER_IN_WORDS = re.compile(r"\b([1-4])\.?\s*(?:kvartal|quarter|kv\.?)\s*(20[0-9]{2})\b")

# Words this alike are the same word with a slip in it: one letter in six.
_ALIKE = 0.84
# Short words are alike by chance.
_LONG_ENOUGH = 4


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, folded, without punctuation."""
    return tuple(_WORD.findall(text.casefold()))


@dataclass(frozen=True, slots=True)
class Recognised:
    """Hold the code a text names and how sure that is, 0 to 1."""

    code: str
    confidence: float


class Register:
    """Recognise codes by their names; every text is looked at once."""

    __slots__ = ("_known", "_near", "_owners", "_phrases", "_seen", "codes")

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """Take (name, code) pairs; a code is a name of itself."""
        pairs = list(names)
        pairs += [(code, code) for code in dict.fromkeys(code for _, code in pairs)]
        self.codes = frozenset(code for _, code in pairs)
        phrases: dict[str, set[str]] = {}
        owners: dict[str, set[str]] = {}
        for name, code in pairs:
            own = words(name)
            if own:
                phrases.setdefault(f" {' '.join(own)} ", set()).add(code)
            for word in own:
                owners.setdefault(word, set()).add(code)
        # The longest phrase first: "CT PE chest" before "CT PE". A phrase of two codes names neither.
        unique = [(phrase, next(iter(codes))) for phrase, codes in phrases.items() if len(codes) == 1]
        self._phrases = sorted(unique, key=lambda pair: (-len(pair[0]), pair[0]))
        self._owners = {word: next(iter(codes)) for word, codes in owners.items() if len(codes) == 1}
        self._known = frozenset(owners)
        self._near: dict[str, str | None] = {}
        self._seen: dict[tuple[str, ...], Recognised | None] = {}

    def recognise(self, own: tuple[str, ...]) -> Recognised | None:
        """Find the one code that the words of a text name, None where they name none or several alike."""
        if own not in self._seen:
            code, _ = self.whole_name(own)
            self._seen[own] = self._by_words(own) if code is None else Recognised(code, 0.95)
        return self._seen[own]

    def whole_name(self, own: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
        """Find the one code whose longest name stands whole in a text, and the words that are left beside that name."""
        text = f" {' '.join(own)} "
        found: tuple[str, str] | None = None
        for phrase, code in self._phrases:
            if found is not None and len(phrase) < len(found[0]):
                break
            if phrase in text:
                if found is not None and code != found[1]:
                    return None, own
                found = phrase, code
        return (None, own) if found is None else (found[1], tuple(text.replace(found[0], " ", 1).split()))

    def _by_words(self, own: tuple[str, ...]) -> Recognised | None:
        votes: dict[str, float] = {}
        for word in own:
            exact = self._owners.get(word)
            code = exact if exact is not None else self._nearly(word)
            if code is not None:
                votes[code] = votes.get(code, 0.0) + (1.0 if exact is not None else 0.8)
        if not votes:
            return None
        ranked = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
        lead = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0.0)
        return None if lead < 0.5 else Recognised(ranked[0][0], 0.85 if lead >= 1 else 0.7)

    def _nearly(self, word: str) -> str | None:
        if word not in self._near:
            self._near[word] = self._nearest(word)
        return self._near[word]

    def _nearest(self, word: str) -> str | None:
        # A word that several names have is no slip of another one.
        if word in self._known or len(word) < _LONG_ENOUGH or word.isdigit():
            return None
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(word)
        best: tuple[float, str] | None = None
        for known, code in self._owners.items():
            if len(known) < _LONG_ENOUGH or known.isdigit() or abs(len(known) - len(word)) > 2:
                continue
            matcher.set_seq1(known)
            if matcher.quick_ratio() >= _ALIKE and (ratio := matcher.ratio()) >= _ALIKE:
                best = max(best or (0.0, ""), (ratio, code))
        return None if best is None else best[1]


@dataclass(frozen=True, slots=True)
class Names:
    """Hold what trusts, algorithms and charges are called: (name, code) pairs, several names a code at will."""

    trusts: tuple[tuple[str, str], ...] = ()
    algorithms: tuple[tuple[str, str], ...] = ()
    charges: tuple[tuple[str, str], ...] = ()


NO_NAMES = Names()


@dataclass(frozen=True, slots=True)
class WrittenPlace:
    """Hold the period, tier and phase that a text names."""

    period: Period | None = None
    tier: int | None = None
    phase: int | None = None


NO_PLACE = WrittenPlace()


@dataclass(slots=True)
class Reader:
    """Read places in texts, each text once."""

    _seen: dict[str, WrittenPlace] = field(default_factory=dict)

    def place(self, text: str) -> WrittenPlace:
        """Read "Røntgen skjelett, juli 2026, trinn 2" as its month and its tier.

        >>> Reader().place("Røntgen skjelett, juli 2026, trinn 2").period.label()
        '2026-07'
        """
        if text not in self._seen:
            self._seen[text] = _read(text.casefold())
        return self._seen[text]


def _read(text: str) -> WrittenPlace:
    numbers = {kind: int(number) for kind, number in _NUMBERED.findall(text)}
    tier = next((numbers[kind] for kind in ("trinn", "tier", "step") if kind in numbers), None)
    phase = next((numbers[kind] for kind in ("fase", "phase") if kind in numbers), None)
    period: Period | None = None
    if written := _TWO_DAYS.search(text):
        period = _between(*(int(number) for number in written.groups()))
    elif month := _ISO_MONTH.search(text):
        period = Period.month(date(int(month[1]), int(month[2]), 1))
    elif named := _NAMED_MONTH.search(text):
        period = Period.month(date(int(named[2]), _MONTH_OF[named[1]], 1))
    elif quarter := _QUARTER.search(text):
        year, number = quarter[1] or quarter[4], quarter[2] or quarter[3]
        period = Period.parse(f"{year}-Q{number}")
    elif spoken := _QUARTER_IN_WORDS.search(text):
        period = Period.parse(f"{spoken[2]}-Q{spoken[1]}")
    elif numbered := _NUMBERED_MONTH.search(text):
        period = Period.month(date(int(numbered[2]), int(numbered[1]), 1))
    return WrittenPlace(period, tier, phase)


def _between(day: int, month: int, year: int, last_day: int, last_month: int, last_year: int) -> Period | None:
    """Give the days from one written day to another, both of them in it; None where they are no days or run backwards."""
    try:
        start, last = date(year, month, day), date(last_year, last_month, last_day)
    except ValueError:
        return None
    return Period(start, last + timedelta(days=1)) if start <= last else None


# What the words of a line say of the kind of its amount; a part of a word does ("plattformavgift").
Sort = Literal["one_off", "fee", "minimum", "maximum", "discount"]
_SORTS: tuple[tuple[Sort, tuple[str, ...]], ...] = (
    ("discount", ("rabatt", "discount", "avslag", "prisreduksjon")),
    ("minimum", ("minste", "minimum")),
    ("maximum", ("maksimum", "maksimal", "maximum", "avkort", "pristak")),
    ("one_off", ("etabler", "oppstart", "implementer", "installasj", "engangs", "setup", "onboarding", "establish")),
    ("fee", ("avgift", "gebyr", "plattform", "platform", "lisens", "licen", "abonnement", "subscription", "support",
             "brukerstøtte", "vedlikehold", "maintenance", "fastbeløp", "leie")),
)  # fmt: skip


def sort_of(own: Iterable[str]) -> Sort | None:
    """Tell which kind of amount the words of a line say it is, None where they say none.

    >>> sort_of(words("Plattformavgift, Akershus"))
    'fee'
    """
    listed = tuple(own)
    return next((sort for sort, parts in _SORTS if any(part in word for word in listed for part in parts)), None)
