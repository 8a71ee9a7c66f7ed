"""Lead an agreement through its life by acts drawn at random from a seed, through the pages and the API that people use.

Files come by the API: counts that are whole, partial, late, of the future, or taken back; invoices as expected, wrong, and
credit notes. All else is done by the forms that the pages offer to somebody, filled in as a person would: closes, decisions,
disputes, signatures, payments, options and activations with their dossiers and steps, budgets, index, amendments, tolerances.
"""

from __future__ import annotations

import io
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urljoin

import pypdf
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.ehf.document import Document
from billing.ehf.parse import parse
from billing.ehf.write import to_bytes
from billing.quarters import coverage
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.terms.period import Period, add_months
from tests import desk, examples, reconciled
from tests.conftest import app_on
from tests.crawl.api import answers_of_the_api
from tests.crawl.comparing import contradictions
from tests.crawl.offered import Form, Page
from tests.crawl.walking import kind_of, place_of, walk
from tests.recorded import record_agreement, record_usage
from tests.tokens import bearer

CODE: Final = "ra-test"
FIRST, BEGINS, ENDS = date(2025, 7, 1), date(2026, 1, 12), date(2028, 1, 1)
SATURDAY: Final = 5
# A maximum value that is short, and one that is not.
MAXIMA: Final = ("400000.00", "2000000.00", "2000000.00")
SERIES: Final = (
    ("vestre-viken", "xray-skeletal", 90),
    ("vestre-viken", "ct-pe", 40),
    ("sykehuset-ostfold", "xray-skeletal", 60),
)
ROLES: Final = (
    ("finance_controller", None),
    ("contract_manager", None),
    ("approver", None),
    ("trust_reader", "vestre-viken"),
    ("trust_requester", "akershus"),
    ("auditor", None),
    ("admin", None),
)
# Forms that nobody's agreement lives by: accounts, keys, the shell.
NOT_PRESSED: Final = ("people.", "tokens.", "auth.", "example.", "calendar.", "jobs.", "audit_log.")
# What leads a quarter and a case on is done more often than the rest.
OFTEN: Final = (
    "quarter_pages.close", "reconciliation_acts.", "reconciliation_line.", "dispute_pages.", "sign_off_pages.",
    "option_pages.", "approval_pages.decide",
)  # fmt: skip
# Buttons that show what would follow, and do nothing.
ASKS_ONLY: Final = ("vis", "anslag")
# An answer of these says that what was offered is not there, or not theirs.
NOT_AN_ANSWER: Final = (400, 403, 404, 405)
# Forms on pages that say before the act whether it would be refused.
SAYS_BEFORE: Final = ("option_pages.take",)
# States of an activation after which nothing more is to be led on.
OVER: Final = ("live", "ended", "rejected", "withdrawn")
# Steps that lead out of a case.
AWAY: Final = ("/withdraw", "/return", "/end")
# What a dossier says beside its papers, as it is budgeted.
FACTS: Final = {"cost_centre": desk.COST_CENTRE, "year": "2026"}


@cache
def paper() -> bytes:
    """Give a paper that somebody files: an empty page."""
    out, writer = io.BytesIO(), pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(out)
    return out.getvalue()


def document(maximum: str) -> dict[str, Any]:
    """Give the agreement of a life: two algorithms, three series counted from its first day, fees by month and quarter."""
    made = examples.agreement(CODE)
    made["example"] = True
    made["agreement"] = {"start": FIRST.isoformat(), "end": ENDS.isoformat(), "currency": "NOK"}
    made["extensions"] = []
    made["maximum_value"] = maximum
    for holder in made["option_holders"]:
        states = [{"state": "listed", "on": FIRST.isoformat()}]
        if holder["code"] != "nord-norge":
            states.append({"state": "exercised", "on": FIRST.isoformat()})
        holder["option"] = {"deadline": "2026-12-31", "clause": "3.1", "states": states}
    version = made["price_book"]["versions"][0]
    version["valid_from"] = FIRST.isoformat()
    version["charges"][0]["algorithms"] = "all"
    version["charges"].append(
        {
            "code": "platform",
            "kind": "fixed",
            "clause": "7.2",
            "algorithms": "all",
            "amount": "900.00",
            "per": "trust",
            "every": "quarter",
            "proration": "days",
        }
    )
    made["price_book"]["index_adjustments"] = []
    made["activations"] = [
        {
            "trust": trust,
            "algorithm": algorithm,
            "validation_from": None,
            "go_live": FIRST.isoformat(),
            "end": None,
        }
        for trust, algorithm, _usual in SERIES
    ]
    return made


@dataclass
class Counted:
    """What lives came to: acts by kind and answer, pages, figures compared, and what was wrong, each told once."""

    lives: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    figures: int = 0
    names: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)

    def add(self, other: Counted) -> None:
        """Take another's counts in."""
        self.lives += other.lives
        self.acts += other.acts
        self.answers += other.answers
        self.pages += other.pages
        self.figures += other.figures
        self.names += other.names
        self.wrong = other.wrong | self.wrong

    def told(self) -> str:
        """Tell the counts in a line."""
        return (
            f"{self.lives} lives, {self.acts.total()} acts ({len(self.acts)} kinds), {self.pages} pages, "
            f"{self.figures} figures compared, {len(self.wrong)} contradictions"
        )


class Life:
    """One agreement's life in one database: its people, its day, its counts and documents."""

    def __init__(self, app: Flask, seed: int) -> None:
        self.app = app
        self.seed = seed
        self.chance = random.Random(seed)
        self.today = BEGINS
        self.counted = Counted(lives=1)
        self.history: list[str] = []
        self.invoices: list[Document] = []
        self.billed: set[str] = set()
        self.filed: set[str] = set()
        self.forms: dict[str, list[tuple[str, Form]]] = {}
        self.clients: dict[str, FlaskClient] = {}
        self.agreement_id = record_agreement(document(self.chance.choice(MAXIMA)), datetime(2025, 6, 20, 9, tzinfo=UTC))
        self._people()
        for month in Period(FIRST, date(2026, 1, 1)).months():
            content = self._rows([(each, month) for each in SERIES])
            record_usage(
                self.agreement_id, content, datetime.combine(month.end + timedelta(days=3), datetime.min.time(), UTC)
            )
        self._grounds()
        self.on(self.today)

    def _grounds(self) -> None:
        """Record what a case is held against: certificates, and a year's budget of some trusts."""
        with db.write() as session:
            at = desk.Desk(session, self.agreement_id, datetime(2026, 1, 5, 9, tzinfo=UTC))
            for algorithm in ("ct-pe", "xray-skeletal"):
                at.certify(algorithm)
            for trust in ("akershus", "vestre-viken"):
                at.fund(trust, self.chance.choice(("900000.00", "900000.00", "20000.00")))

    def _people(self) -> None:
        with db.write() as session:
            for role, trust in ROLES:
                access.add_person(
                    session,
                    email=f"{role}@example.org",
                    name=role.replace("_", " ").title(),
                    password=None,
                    grants=[Grant(role, trust)],
                    actor=COMMAND_LINE,
                    now=datetime(2025, 6, 20, 9, tzinfo=UTC),
                    example=True,
                )
        for role, _trust in ROLES:
            self.clients[role] = self.app.test_client()
            assert self.clients[role].post("/logg-inn", data={"person": f"{role}@example.org"}).status_code == 302
        self.headers = {role: bearer(role, trust) for role, trust in ROLES}
        self.api = self.app.test_client()

    # -- acts ------------------------------------------------------------------------------------------------------------

    def act(self) -> str:
        """Do one act and give its name."""
        acts: tuple[tuple[int, Callable[[], str]], ...] = (
            (5, self.days_pass),
            (5, self.count),
            (1, self.count_in_part),
            (1, self.count_the_future),
            (1, self.take_a_file_back),
            (1, self.bill),
            (1, self.bill_wrong),
            (1, self.credit),
            (14, self.lead_the_quarter),
            (10, self.lead_a_case),
            (20, self.press),
        )
        (chosen,) = self.chance.choices([act for _weight, act in acts], [weight for weight, _act in acts])
        name = chosen()
        self.history.append(name)
        self.counted.acts[" ".join(name.split()[: 2 if name.startswith("press") else 1])] += 1
        return name

    def on(self, day: date) -> None:
        """Make a day today."""
        self.today = day
        self.clients["finance_controller"].post("/eksempel/dato", data={"today": day.isoformat(), "next": "/"})

    def days_pass(self) -> str:
        """Let some days pass."""
        self.on(min(self.today + timedelta(days=self.chance.choice((1, 4, 9, 16, 31))), date(2027, 6, 1)))
        return f"days_pass to {self.today}"

    def count(self) -> str:
        """Import every count that lacks of the oldest month that lacks one."""
        lacking = self._lacking()
        return self._send(lacking, "count") if lacking else self.days_pass()

    def count_in_part(self) -> str:
        """Import one of the counts that lack, of a month that is over or of the one under way."""
        lacking = self._lacking()
        rows = lacking[:1]
        if not rows and self.today.day > 1:
            rows = [(self.chance.choice(SERIES), Period(self.today.replace(day=1), self.today))]
        return self._send(rows, "count_in_part") if rows else self.days_pass()

    def count_the_future(self) -> str:
        """Try to import a day after today, which is refused."""
        day = next(day for n in range(1, 4) if (day := self.today + timedelta(days=n)).weekday() < SATURDAY)
        answer = self._import(self._rows([(self.chance.choice(SERIES), Period(day, day + timedelta(days=1)))]))
        if answer.status_code != 422:
            self.wrong(f"a count of {day} after today {self.today} answers {answer.status_code}, not 422")
        return "count_the_future"

    def take_a_file_back(self) -> str:
        """Take a file of counts back."""
        listed = self._get("/api/v1/usage-imports?limit=100")["items"]
        standing = [each["import"] for each in listed if each.get("taken_back") is None]
        if not standing:
            return self.days_pass()
        number = self.chance.choice(standing[:3])
        answer = self.api.post(
            f"/api/v1/usage-imports/{number}/reversals",
            json={"reason": "Feil fil."},
            headers=self.headers["finance_controller"] | self._match(f"/api/v1/usage-imports/{number}"),
        )
        self._took("take_a_file_back", answer)
        return f"take_a_file_back {number}"

    def bill(self, quarter: Period | None = None) -> str:
        """Receive the vendor's invoice of a quarter as it is expected."""
        return self._bill("bill", lambda made: made, quarter)

    def bill_wrong(self, quarter: Period | None = None) -> str:
        """Receive an invoice with a line too much, a line that lacks, or a line counted twice."""

        def wrong(made: Document) -> Document:
            kind = self.chance.randrange(3)
            if kind == 0 or not made.lines:
                return reconciled.beside(made, reconciled.line("Oppgradering", "500.00", period=None))
            if kind == 1 and len(made.lines) > 1:
                return reconciled.with_lines(made, *made.lines[1:])
            return reconciled.with_lines(made, *made.lines, self.chance.choice(made.lines))

        return self._bill("bill_wrong", wrong, quarter)

    def credit(self) -> str:
        """Receive a credit note for an invoice: one of its lines, whole."""
        if not self.invoices:
            return self.bill_wrong()
        billed = self.chance.choice(self.invoices)
        note = replace(
            billed,
            kind="credit_note",
            type_code="381",
            number=f"K{len(self.history)}-{self.seed}",
            issue_date=self.today,
            due_date=None,
            billing_references=(reconciled.BillingReference(billed.number),),
        )
        answer = self._receive(reconciled.with_lines(note, self.chance.choice(billed.lines)))
        self._took("credit", answer)
        return "credit"

    def lead_the_quarter(self) -> str:
        """Do what the oldest quarter that is not settled waits for, by the forms of its pages."""
        for number in range(8):
            quarter = Period.quarter(add_months(FIRST, 3 * number))
            if quarter.end > self.today:
                break
            page = self._page("finance_controller", f"/avstemming/{quarter.label()}")
            state = dict(page.figures).get(f"state:{quarter.label()}", "")
            if state != "settled":
                return f"lead_the_quarter {quarter.label()} {state}: {self._lead(quarter, state, page)}"
        return self.days_pass()

    def _lead(self, quarter: Period, state: str, page: Page) -> str:
        label, controller = quarter.label(), "finance_controller"
        if state == "attested":
            return self._press_one("approver", f"/avstemming/{label}/anvisning", "/anvisning")
        if state == "ready_to_attest":
            return self._press_one(controller, f"/avstemming/{label}/attestasjon", "/attestasjon")
        if state == "approved":
            return self._pay()
        if state == "waiting_for_credit":
            return self.credit()
        disputes = [
            link for link in page.links if "/reklamasjon/" in link and not link.endswith(("/ny", ".pdf", ".csv"))
        ]
        if state == "with_vendor" and disputes:
            return self._press_one(controller, self.chance.choice(disputes), "/reklamasjon/")
        if state == "waiting_for_usage" and self.chance.random() < 0.5:
            return self.count()
        closing = self._press_one(controller, f"/kvartaler/{label}", "/lukk")
        if closing:
            return closing
        if label not in self.billed:
            return self.bill(quarter) if self.chance.random() < 0.5 else self.bill_wrong(quarter)
        asks = [form for form in page.forms if form.method == "get" and "/reklamasjon/ny" in form.action]
        boxes = [(each.name, each.choices[0]) for form in asks for each in form.fields if each.kind == "box"]
        steps = ["/stikkprove/", "/stikkprove/", "/kjor"]
        if boxes:
            chosen = urlencode(boxes if self.chance.random() < 0.5 else boxes[:1])
            steps += [
                f"/avstemming/{label}/{where}?{chosen}" for where in ("avgjorelse", "avgjorelse", "reklamasjon/ny")
            ]
        self.chance.shuffle(steps)
        for step in steps:
            address = step if "?" in step else page.address
            done = self._press_one(controller, address, step.partition("?")[0])
            if done:
                return done
        return self.days_pass()

    def lead_a_case(self) -> str:
        """Take an activation one step on, or fill its dossier; draft one where none is under way."""
        cases = [
            each["id"] for each in self._get("/api/v1/activations?limit=200")["items"] if each["state"] not in OVER
        ]
        if not cases:
            return self._press_one("trust_requester", "/opsjoner/ny", "/opsjoner/ny") or self.days_pass()
        case = self.chance.choice(cases)
        if case not in self.filed:
            self.filed.add(case)
            return self._file_all(case)
        offers = [("approver", f"/godkjenning/{case}")]
        for role in ("trust_requester", "contract_manager"):
            if self.clients[role].get(f"/opsjoner/{case}").status_code == 200:
                links = self._page(role, f"/opsjoner/{case}").links
                offers += [(role, link) for link in links if f"{case}/steg/" in link]
        self.chance.shuffle(offers)
        # A way out is taken last, where nothing leads on.
        for role, address in sorted(offers, key=lambda offer: offer[1].endswith(AWAY)):
            page = self._page(role, address)
            forms = [form for form in page.forms if form.method == "post" and form.action.endswith(address)]
            unlikely = page.refuses or address.endswith(AWAY)
            if forms and not (unlikely and self.chance.random() < 0.85):
                self.send(role, forms[0], refused=page.refuses, button="approve")
                return f"lead_a_case {role} {forms[0].action}"
        return self.days_pass()

    def _file_all(self, case: str) -> str:
        """File a paper for each item of a case's dossier, and have each accepted by somebody else."""
        page = self._page("contract_manager", f"/opsjoner/{case}")
        for address in dict.fromkeys(link for link in page.links if f"{case}/dokument/" in link):
            for role, act in (("trust_requester", "last-opp"), ("contract_manager", "godta")):
                for form in self._page(role, address).forms:
                    acts = {each.value for each in form.fields if each.name == "handling"}
                    if act in acts | {value for _name, value, _action in form.buttons}:
                        self.send(role, form, refused=False, button=act)
                        break
        return f"file_all {case}"

    def _pay(self) -> str:
        """Pay what an invoice has open, or a part of it."""
        items = [each for each in self._get("/api/v1/open-items")["items"] if Decimal(each["open"]) > 0]
        if not items:
            return self.days_pass()
        item = self.chance.choice(items)
        amount = Decimal(item["open"]) * self.chance.choice((Decimal("0.5"), 1, 1, 1))
        answer = self.api.post(
            "/api/v1/payments",
            json={
                "invoice_id": item["invoice_id"],
                "paid_on": self.today.isoformat(),
                "amount": str(amount.quantize(Decimal("0.01"))),
                "reference": f"B{len(self.history)}",
            },
            headers=self.headers["finance_controller"],
        )
        self._took("pay", answer)
        return f"pay {item['number']}"

    def _page(self, role: str, address: str) -> Page:
        return Page(address, self.clients[role].get(address).get_data(as_text=True))

    def _press_one(self, role: str, address: str, action: str) -> str:
        """Send the first form of a page that goes to an address with ``action`` in it; empty where it offers none."""
        page = self._page(role, address)
        for form in page.forms:
            if form.method == "post" and action in form.action:
                self.send(role, form, refused=page.refuses)
                return f"{role} {form.action}"
        return ""

    def press(self) -> str:
        """Fill in and send a form that some page offered to somebody."""
        if not self.forms:
            return self.days_pass()
        kinds = sorted(self.forms)
        weights = [4 if kind.partition(" ")[2].startswith(OFTEN) else 1 for kind in kinds]
        (kind,) = self.chance.choices(kinds, weights)
        role, form = self.chance.choice(self.forms[kind])
        page = Page(form.page, self.clients[role].get(form.page).get_data(as_text=True))
        offered = [each for each in page.forms if (each.action, each.method) == (form.action, form.method)]
        if not offered:
            return self.days_pass()  # what was done since took it away
        self.send(role, self.chance.choice(offered), refused=page.refuses)
        return kind

    def send(self, role: str, form: Form, *, refused: bool, button: str = "") -> None:
        """Send a form as somebody, and say where the answer is other than what the page said."""
        given = form.filled(self.chance, self.today.isoformat())
        buttons = [each for each in form.buttons if each[1] not in ASKS_ONLY] or [("", "", "")]
        wanted = [each for each in buttons if each[1] == button]
        name, value, action = self.chance.choice(wanted or buttons)
        if name:
            given[name] = value
        given |= {name: value for name, value in FACTS.items() if name in given}
        given |= {each.name: (io.BytesIO(paper()), "dokument.pdf") for each in form.fields if each.kind == "file"}
        target = urljoin(form.page, action or form.action or form.page)
        endpoint = (kind_of(self.app, target, "POST") or target).split()[0]
        try:
            answer = self.clients[role].post(target, data=given)
        except Exception as error:
            self.wrong(f"{role}: {form.page} offers the form {target}, which fails: {place_of(error)}")
            return
        self.counted.answers[f"{endpoint} {answer.status_code}"] += 1
        if answer.status_code >= 500 or answer.status_code in NOT_AN_ANSWER:
            self.wrong(f"{role}: {form.page} offers the form {target}, which answers {answer.status_code}")
        elif refused != (answer.status_code >= 400) and endpoint in SAYS_BEFORE:
            said = "refused" if refused else "possible"
            self.wrong(f"{role}: {form.page} says the step is {said}, and it answers {answer.status_code}")
        elif answer.status_code >= 400 and not any(each.kind != "hidden" for each in form.fields):
            self.wrong(
                f"{role}: {form.page} offers {target} with nothing to fill in, and it answers {answer.status_code}"
            )

    # -- what acts are made of -------------------------------------------------------------------------------------------

    def _lacking(self) -> list[tuple[tuple[str, str, int], Period]]:
        """Give the counts that lack of the oldest month that lacks one."""
        usual = {(trust, algorithm): number for trust, algorithm, number in SERIES}
        with db.read() as session:
            lacking = coverage.counted(session, agreement_id=self.agreement_id, today=self.today).lacking
        oldest = min((cell.month.start for cell in lacking), default=None)
        return [
            ((cell.trust, cell.algorithm, usual.get((cell.trust, cell.algorithm), 25)), cell.month)
            for cell in lacking
            if cell.month.start == oldest
        ]

    def _rows(self, counts: list[tuple[tuple[str, str, int], Period]]) -> bytes:
        lines = ["trust,algorithm,date,quantity"]
        for (trust, algorithm, usual), period in counts:
            days = [period.start + timedelta(days=n) for n in range(period.days)]
            lines += [
                f"{trust},{algorithm},{day},{self.chance.randrange(usual // 40, usual // 10)}"
                for day in days
                if day.weekday() < SATURDAY
            ]
        return "\n".join([*lines, ""]).encode()

    def _send(self, counts: list[tuple[tuple[str, str, int], Period]], name: str) -> str:
        self._took(name, self._import(self._rows(counts)))
        return f"{name} {counts[0][1].label()} of {len(counts)}"

    def _import(self, content: bytes) -> TestResponse:
        headers = self.headers["finance_controller"] | {"Content-Type": "text/csv"}
        return self.api.post("/api/v1/usage-imports", data=content, headers=headers)

    def _bill(self, name: str, change: Callable[[Document], Document], quarter: Period | None) -> str:
        if quarter is None:
            quarter = Period.quarter(add_months(self.today, -3))
        expected = self.clients["finance_controller"].get(f"/kostnader/forventet-faktura.xml?periode={quarter.label()}")
        if expected.status_code != 200:
            return self.days_pass()
        made = parse(expected.get_data())
        number = f"{self.seed}{len(self.history):03}"
        made = replace(
            made,
            number=number,
            issue_date=self.today,
            due_date=self.today + timedelta(days=30),
            payment_means=(reconciled.PaymentMeans(code="30", payment_id=number, account=reconciled.ACCOUNT),),
        )
        made = change(made)
        answer = self._receive(made)
        self._took(name, answer)
        if answer.status_code == 201:
            self.invoices.append(made)
            self.billed.add(quarter.label())
        return f"{name} {quarter.label()}"

    def _receive(self, made: Document) -> TestResponse:
        headers = self.headers["finance_controller"] | {"Content-Type": "application/xml"}
        return self.api.post("/api/v1/invoices", data=to_bytes(made), headers=headers)

    def _get(self, address: str) -> Any:
        answer = self.api.get(address, headers=self.headers["finance_controller"])
        assert answer.status_code == 200, (address, answer.get_data(as_text=True))
        return answer.json

    def _match(self, address: str) -> dict[str, str]:
        answer = self.api.get(address, headers=self.headers["finance_controller"])
        return {"If-Match": answer.headers["ETag"]} if "ETag" in answer.headers else {}

    def _took(self, name: str, answer: TestResponse) -> None:
        self.counted.answers[f"{name} {answer.status_code}"] += 1
        if answer.status_code >= 500:
            self.wrong(f"{name} answers {answer.status_code}: {answer.get_data(as_text=True)[:200]}")

    # -- what is held after an act ---------------------------------------------------------------------------------------

    def look(self, roles: Iterable[str], alike: int = 1) -> None:
        """Walk every page of these roles and the API, and hold the figures against each other."""
        seen = []
        self.forms = {kind: offers for kind, offers in self.forms.items() if offers[0][0] not in roles}
        for role in roles:
            met = walk(self.app, self.clients[role], role, alike=alike)
            answers_of_the_api(met, self.app, self.api, role, self.headers[role])
            seen += met.seen
            self.counted.pages += met.pages
            for broken in met.broken:
                self.wrong(broken)
            for form in met.forms:
                kind = kind_of(self.app, urljoin(form.page, form.action or form.page), "POST")
                if kind is None:
                    self.wrong(f"{role}: {form.page} offers a form to {form.action}, which no view takes")
                elif not kind.startswith(NOT_PRESSED):
                    self.forms.setdefault(f"press {kind} {role}", []).append((role, form))
        self.counted.figures += len(seen)
        self.counted.names.update(each.id.partition(":")[0] for each in seen)
        for fault in contradictions(seen):
            self.wrong(fault)

    def wrong(self, fault: str) -> None:
        """Note a fault once, with the course that led to it."""
        plain = re.sub(r"\d+", "#", fault)
        self.counted.wrong.setdefault(plain, f"{fault}\n      seed {self.seed}, after: {'; '.join(self.history[-6:])}")


@contextmanager
def life(template: Path, folder: Path, seed: int) -> Iterator[Life]:
    """Open a life on a copy of a migrated, empty database."""

    path = folder / f"life-{seed}.db"
    shutil.copyfile(template, path)
    with app_on(f"sqlite:///{path}", folder) as app:
        yield Life(app, seed)
    path.unlink()


def lead(template: Path, folder: Path, seed: int, acts: int, *, readers: int = 1, whole: bool = True) -> Counted:
    """Lead one life through so many acts; after each, ``readers`` roles by turns walk, at its end all of them if ``whole``."""
    with life(template, folder, seed) as led:
        roles = [role for role, _trust in ROLES]
        led.look(roles[:1])
        for number in range(acts):
            led.act()
            led.look([roles[(number * readers + step) % len(roles)] for step in range(readers)])
        if whole:
            led.look(roles, alike=2)
        return led.counted
