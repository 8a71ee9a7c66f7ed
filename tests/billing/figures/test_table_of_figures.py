"""The table of figures in the README is the register: each figure has its row, with the function that computes it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import billing.figures
from billing.figures import registered

PAGE = Path(billing.figures.__file__).with_name("README.md").read_text()


def test_every_figure_has_its_row_with_the_function_that_computes_it() -> None:
    doors = re.findall(r"`(\w+)`", PAGE.partition("**Doors**")[2])
    assert doors
    modules = [importlib.import_module(f"billing.figures.{door}").__name__ for door in doors]
    computed = {
        meaning.form: meaning.place.removeprefix("billing.figures.")
        for meaning in registered().values()
        if meaning.place.rpartition(".")[0] in modules
    }
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| `([^`]+)` \| (everybody|all trusts)", PAGE, re.MULTILINE)
    assert {form: place for form, place, _readers in rows} == computed
    assert len(rows) == len(computed)
