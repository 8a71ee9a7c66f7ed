"""Package: whole packages, whose price is shared by the units that start them."""

from __future__ import annotations

from dataclasses import dataclass

from billing.rating.charge_terms import Level, ModelTerms, Run, UsageTerms
from billing.rating.run import Counter, Share, Slice
from contracts.terms.price_models import Package


def compile_model(model: Package, level: Level) -> PackageTerms:
    """Return packages at an index level."""
    return PackageTerms((), (level.amount(model.package_price),), model.package_size)


@dataclass(frozen=True, slots=True)
class PackageTerms(ModelTerms):
    """Price whole packages; a started package counts whole (pricing.md §4.6). Its one amount is a package's price."""

    size: int

    ARRAYS = "package"

    def price(self, run: Run, terms: UsageTerms, counter: Counter, slices: list[Slice], units: int) -> None:
        """Price the packages that the period's units start, to be shared over its slices."""
        before = -(-counter.position // self.size)
        counter.position += units
        packages = -(-counter.position // self.size) - before
        if packages:
            run.shares.append(Share(packages * self.amounts[0], slices, "package", discounted=True))

    @property
    def bounds(self) -> tuple[int, ...]:
        """Return the size of a package."""
        return (self.size,)
