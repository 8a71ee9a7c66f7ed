"""Every act of the access rules has a name, and nothing else has."""

from __future__ import annotations

from contracts.people.access import RULES
from contracts.web.options.act_words import ACTS


def test_every_act_has_a_name_and_no_name_stands_for_nothing() -> None:
    assert set(ACTS) == set(RULES)
