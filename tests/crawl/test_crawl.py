"""The small crawl: one life of a few acts, and that the crawl sees what it is to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crawl.comparing import contradictions
from tests.crawl.lives import lead
from tests.crawl.offered import Page
from tests.crawl.walking import Seen, figures_in, figures_of_rows


@pytest.mark.slow
def test_whatever_happens_to_an_agreement_each_figure_is_the_same_wherever_it_stands(
    sqlite_template: Path, tmp_path: Path
) -> None:
    counted = lead(sqlite_template, tmp_path, seed=7, acts=3, whole=False)
    assert counted.acts.total() == 3
    assert counted.names.keys() >= {"expected", "state", "headroom", "year", "budget"}
    assert not counted.wrong, "\n".join(counted.wrong.values())


def seen(id: str, value: str, address: str, reader: str = "controller", known_at: str = "") -> Seen:
    return Seen(reader, known_at, id, value, address)


@pytest.mark.parametrize(
    ("met", "found"),
    [
        ([seen("payable:2026-Q3", "1", "/a"), seen("payable:2026-Q3", "1", "/b")], 0),
        ([seen("payable:2026-Q3", "1", "/a"), seen("payable:2026-Q3", "2", "/b")], 1),
        ([seen("payable:2026-Q3", "1", "/a"), seen("payable:2026-Q3", "2", "/b", reader="trust")], 0),
        ([seen("payable:2026-Q3", "1", "/a"), seen("payable:2026-Q3", "2", "/b", known_at="2026-09-01")], 0),
        ([seen("billed:q", "5", "/"), seen("expected:q", "3", "/"), seen("difference:q", "2", "/")], 0),
        ([seen("billed:q", "5", "/"), seen("expected:q", "3", "/"), seen("difference:q", "-2", "/")], 1),
        ([seen("plan:p,own", "5", "/"), seen("plan:p,others", "-3", "/"), seen("plan:p,whole", "2", "/")], 0),
        ([seen("plan:p,own", "5", "/"), seen("plan:p,others", "-3", "/"), seen("plan:p,whole", "8", "/")], 1),
        ([seen("payable:q", "-1", "/")], 1),
    ],
)
def test_a_contradiction_is_one_id_with_two_values_for_one_reader_or_a_sum_that_fails(
    met: list[Seen], found: int
) -> None:
    assert len(contradictions(met)) == found


def test_figures_are_read_from_pages_answers_and_exports() -> None:
    page = Page("/", '<p>Kan betales <data data-figure="payable:2026-Q3" value="125">1,25 kr</data></p>')
    assert page.figures == [("payable:2026-Q3", "125")]
    assert list(figures_in({"items": [{"figures": [{"id": "a", "value": "1"}]}]})) == [("a", "1")]
    assert list(figures_of_rows(b"\xef\xbb\xbfmonth,figure,figure_value\n2026-07,a,1\n2026-08,,\n")) == [("a", "1")]


def test_a_form_is_sent_as_a_browser_would_send_it() -> None:
    page = Page(
        "/",
        '<form method="post" action="/x"><input type="hidden" name="a" value="1"><select name="b"><option value="">'
        '<option value="2"></select><input type="checkbox" name="c" value="ja"><textarea name="d">tekst</textarea>'
        '<input type="radio" name="e" value="3"><input type="radio" name="e" value="4" checked></form>',
    )
    assert page.forms[0].standing() == [("a", "1"), ("b", ""), ("d", "tekst"), ("e", "4")]
