"""The pages of a case in every state: each is there, and what a step page says will be refused is refused, and nothing else."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts import agreements
from contracts.cases import CaseId, find_case
from contracts.errors import Conflict, Denied
from contracts.extensions import db
from contracts.options import dossier, gains
from contracts.people import access
from contracts.people.access import COMMAND_LINE, TRUST_ROLES, Grant
from contracts.terms import workflow
from tests import desk
from tests.desk import NOW, REQUESTER, TRUST, Desk

SignIn = Callable[..., FlaskClient]
STATES = workflow.ACTIVATION_STATES
STOPS = "Stopper"


class Laid:
    """A database with a case, laid anew for each try."""

    def __init__(self, app: Flask, path: Path) -> None:
        self.app, self.path, self.kept = app, path, path.with_suffix(".kept")

    def keep(self) -> None:
        """Keep the database as it is now."""
        self.app.extensions["trinnvis_engine"].dispose()
        shutil.copyfile(self.path, self.kept)

    def again(self) -> None:
        """Lay what was kept."""
        self.app.extensions["trinnvis_engine"].dispose()
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self.kept, self.path)


@pytest.fixture
def laid(app: Flask, tmp_path: Path) -> Laid:
    return Laid(app, tmp_path / "trinnvis.db")


def case_in(state: str, *, papers: bool) -> CaseId:
    """Bring a case with a gain into a state, and file newer versions of its papers that nobody has accepted."""
    agreement_id = desk.open_desk(akershus="exercised")
    with db.write() as session:
        access.add_person(
            session, email="owner@example.org", name="owner", password=None, grants=(Grant("trust_reader", TRUST),),
            actor=COMMAND_LINE, now=NOW, example=True,
        )  # fmt: skip
        at = Desk(session, agreement_id)
        case_id = at.prepared()
        gains.describe(
            session, case=at.case(case_id), kind="quality", description="Fewer misses", source="Study",
            owner="owner@example.org", actor=REQUESTER, now=NOW,
        )  # fmt: skip
        at.bring(case_id, state)
        for item in () if papers else workflow.DOSSIER_ITEMS["activation"]:
            try:
                dossier.offer(
                    session, case=at.case(case_id), item=item, filename="new.txt", content=item.encode() + b"!",
                    facts={}, actor=REQUESTER, now=NOW,
                )  # fmt: skip
            except (Conflict, Denied):
                break
    return case_id


@pytest.mark.parametrize("papers", [True, False], ids=["all-papers", "newer-papers"])
@pytest.mark.parametrize("state", STATES)
def test_a_step_page_says_what_comes_of_the_step(laid: Laid, sign_in_as: SignIn, state: str, papers: bool) -> None:
    case_id = case_in(state, papers=papers)
    rules = [one for one in workflow.events_from("activation", state) if not one.decision]
    clients = {
        role: sign_in_as(role, TRUST if role in TRUST_ROLES else None) for role in {min(one.roles) for one in rules}
    }
    laid.keep()
    for rule in rules:
        client = clients[min(rule.roles)]
        page = client.get(f"/opsjoner/{case_id}/steg/{rule.event}")
        assert page.status_code == 200
        form = {name: field(page.text, name) for name in ("sett", "dag") if f'name="{name}"' in page.text}
        answer = client.post(f"/opsjoner/{case_id}/steg/{rule.event}", data=form)
        assert answer.status_code == (409 if STOPS in page.text else 303), (rule.event, answer.status_code)
        # Every guard that decides is told, and the refusal says what the page said before.
        assert len(sentences(page.text)) == len(rule.guards) + bool(rule.guards)
        if answer.status_code == 409:
            assert sentences(answer.text) == sentences(page.text)
        laid.again()


def field(page: str, name: str) -> str:
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert tag is not None
    value = re.search(r'value="([^"]*)"', tag.group())
    assert value is not None
    return value.group(1)


def sentences(page: str) -> list[str]:
    """Give what the table of guards says, row by row."""
    table = re.search(r'id="guard-table".*?</table>', page, re.DOTALL)
    return [] if table is None else re.findall(r"<tr.*?</tr>", table.group(), re.DOTALL)


@pytest.mark.parametrize("state", STATES)
def test_every_page_of_a_case_is_there_in_every_state_for_every_reader(
    laid: Laid, sign_in_as: SignIn, state: str
) -> None:
    case_id = case_in(state, papers=True)
    figures: dict[str, set[str]] = defaultdict(set)
    read: dict[str, set[str]] = defaultdict(set)
    for role in ("approver", "contract_manager", "auditor", "trust_requester", "trust_reader"):
        client = sign_in_as(role, TRUST if role in TRUST_ROLES else None)
        followed: set[str] = set()
        for address in (f"/opsjoner/{case_id}", f"/godkjenning/{case_id}", f"/godkjenning/{case_id}/gevinster"):
            page = client.get(address)
            assert page.status_code == 200, (role, address)
            for id, value in re.findall(r'<data data-figure="([^"]*)" value="([^"]*)"', page.text):
                figures[id].add(value)
                read[role].add(id)
            links = set(re.findall(rf'href="(/(?:opsjoner|godkjenning)/{case_id}[^"#]*)', page.text))
            for link in links - followed:
                assert client.get(link).status_code < 400, (role, address, link)
            followed |= links | {address}
    key = str(case_id).replace(":", "-")
    assert f"live:{key}" in figures
    assert state in ("draft", "withdrawn", "rejected") or f"plan:{key},own" in figures
    assert {id: values for id, values in figures.items() if len(values) > 1} == {}
    # The desk's figures say nothing of what may be told of the others: within the trust they are not told at all.
    for role, ids in read.items():
        assert not (role in TRUST_ROLES and {f"plan:{key},others", f"plan:{key},whole"} & ids), role


def test_within_the_trust_neither_page_nor_api_nor_paper_tells_of_the_others_or_the_ceiling(
    laid: Laid, sign_in_as: SignIn, token_for: Callable[..., dict[str, str]]
) -> None:
    case_id = case_in("submitted", papers=True)
    for role, whole in (("trust_requester", False), ("approver", True)):
        trust = TRUST if role in TRUST_ROLES else None
        client = sign_in_as(role, trust)
        pages = "".join(client.get(f"/{path}/{case_id}").text for path in ("opsjoner", "godkjenning"))
        assert ("Høyst (P90)" in pages) == whole
        answer = client.get(f"/api/v1/activations/{case_id.name}", headers=token_for(role, trust))
        sent = answer.json["submission"]["figures"]
        assert (sent["p90"], sent["others"]) == (("120000.00", "-1000.00") if whole else (None, None))
        assert sent["own"] == "121000.00"
        paper = pypdf.PdfReader(BytesIO(client.get(f"/godkjenning/{case_id}/beslutningsgrunnlag.pdf").data))
        text = "".join(sheet.extract_text() for sheet in paper.pages)
        assert ("P90" in text, "Virkning for de andre" in text) == (whole, whole)
        assert "Brukt og bundet" in text
        (listed,) = paper.attachments["tall.csv"]
        key = str(case_id).replace(":", "-")
        rows = dict(line.split(";") for line in listed.decode().splitlines())
        assert rows[f"plan:{key},own"] == "12100000"
        assert (f"plan:{key},whole" in rows) == whole


@pytest.mark.parametrize("state", ["live", "suspended", "ended"])
def test_what_was_observed_is_recorded_after_go_live(laid: Laid, state: str) -> None:
    case_id = case_in(state, papers=True)
    owner = laid.app.test_client()
    assert owner.post("/logg-inn", data={"person": "owner@example.org"}).status_code == 302
    page = owner.get(f"/godkjenning/{case_id}/gevinster")
    assert page.status_code == 200
    address = re.search(rf'action="(/godkjenning/{case_id}/gevinster/\d+)"', page.text)
    assert address is not None
    observed = {"fra": "2026-11-01", "til": "2026-11-30", "merknad": "Two misses found"}
    assert owner.post(address.group(1), data=observed).status_code == 303
    with db.read() as session:
        (agreement,) = agreements.list_agreements(session)
        case = find_case(session, agreement_id=agreement.id, case_id=case_id)
        (gain,) = gains.list_gains(session, case)
    assert [(one.first, one.until, one.note) for one in gain.observed] == [
        (date(2026, 11, 1), date(2026, 12, 1), "Two misses found")
    ]
