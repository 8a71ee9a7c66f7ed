"""Volume: all units of the window at the price of the tier reached."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.terms.price_models.model import Reading, TieredModel
from contracts.terms.written import N_


@dataclass(frozen=True, slots=True)
class Volume(TieredModel):
    """Price all units of the window at the tier reached (pricing.md §4.5)."""

    NAME = "volume"
    LABEL = N_("Volume: all examinations at the price of the tier reached")
    SENTENCE = N_(
        "Volume: all examinations counted together cost the price of the tier reached; earlier ones are repriced."
    )
    WORDS = ("alle enheter i nådd trinn", "all units at the tier reached")
    READING = Reading(N_("Volume"), N_("volume"), N_("All examinations at the price of the tier reached"))
    BOUNDS_STAND_IN_WINDOW = True
    MORE_MAY_COST_LESS = True
