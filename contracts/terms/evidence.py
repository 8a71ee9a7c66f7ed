"""The words by which evidence, needs and gains are told apart."""

from __future__ import annotations

from typing import Final

REFERENCE_KINDS: Final = ("validation", "clinical")
# By what the needs were ranked when the framework was prepared, in that order; each 1 (low) to 5 (high).
CRITERIA: Final = ("ce_marked", "gain_and_volume", "competence", "breadth", "risk")
# What an examination gains: minutes of work, days of waiting, or quality in words.
GAIN_KINDS: Final = ("minutes", "waiting", "quality")
