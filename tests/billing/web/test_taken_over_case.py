"""The page of an activation that ran before cases were kept here says so, and asks for no papers."""

from __future__ import annotations

from typing import Any

from flask import Flask

from contracts.cases import list_cases
from contracts.extensions import db
from tests.recorded import record_agreement


def test_what_was_taken_into_use_before_cases_were_kept_is_told_in_a_sentence(app: Flask, sign_in_as: Any) -> None:
    agreement_id = record_agreement()
    with db.read() as session:
        case = next(one for one in list_cases(session, agreement_id=agreement_id) if one.taken_over_id is not None)
    page = sign_in_as("auditor").get(f"/opsjoner/{case.id}").get_data(as_text=True)
    assert "tatt i bruk før saker ble ført her" in page
    assert "Mangler</" not in page
    # Who may go on is told to who may not.
    assert "Rollene dine" in page
