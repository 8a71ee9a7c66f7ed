"""A small application that shows every component of the shell, so that they can be looked at and measured in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request

from billing.web import charts
from contracts.web import formatting, i18n, layout, security_headers


@dataclass(frozen=True)
class Example:
    today: date


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role_text: str
    scope_text: str = ""
    is_authenticated: bool = True


PERSONS = [
    Person("kari@example.no", "Kari Nordli", "Økonomicontroller"),
    Person("jon@example.no", "Jon Berg", "Kontraktsforvalter"),
    Person("liv@example.no", "Liv Aas", "Leser", "Sykehuset Østfold"),
    Person("per@example.no", "Per Moe", "Godkjenner"),
]

QUARTERS = [
    charts.QuarterCost("2025-Q3", Decimal("1850300.50"), Decimal("310000.00"), None),
    charts.QuarterCost("2025-Q4", Decimal("2101998.00"), Decimal("420500.25"), None),
    charts.QuarterCost("2026-Q1", Decimal("2650000.00"), Decimal("150000.00"), None),
    charts.QuarterCost("2026-Q2", Decimal("2801200.00"), Decimal("0.00"), None),
    charts.QuarterCost("2026-Q3", Decimal("2410800.00"), Decimal("680000.00"), None),
    charts.QuarterCost("2026-Q4", Decimal(0), Decimal(0), Decimal("3305000.00")),
]

MONTHS = [f"2026-{month:02}" for month in range(1, 13)]


def create_app() -> Flask:
    app = Flask(__name__, static_folder=None, template_folder=str(Path(__file__).parent / "templates"))
    app.secret_key = "only for these pages"
    layout.register(app)
    formatting.register(app)
    i18n.register(app)
    security_headers.register(app)

    @app.context_processor
    def reader() -> dict[str, Any]:
        signed_in = None if request.path == "/logg-inn" else PERSONS[0]
        return {"current_user": signed_in, "example": Example(date(2026, 10, 15)), "app_version": "0.1.0"}

    @app.get("/", endpoint="overview.front")
    def front() -> str:
        language = i18n.current_language()
        return render_template(
            "components_page.html",
            as_of=date(2026, 9, 30),
            known_at=datetime(2026, 11, 24, 9, 12, tzinfo=UTC),
            price_book="v4",
            figure=charts.cost_by_quarter(QUARTERS, language),
            months=charts.stacked_months(
                "what-if",
                "Hva CT PE koster fra oktober" if language == "nb" else "What CT PE costs from October",
                MONTHS,
                [
                    charts.Series(
                        "Rabattert" if language == "nb" else "Discounted",
                        [Decimal(40000 + i * 1500) for i in range(12)],
                    ),
                    charts.Series(
                        "Full pris" if language == "nb" else "Full price",
                        [Decimal(90000 + i * 4000) for i in range(12)],
                    ),
                ],
                language,
            ),
            empty=charts.cost_by_quarter([], language, id="empty-figure"),
            money_value=Decimal("-1234567.5"),
        )

    @app.get("/skjema", endpoint="forms.show")
    def form() -> str:
        errors = [
            ("volume", "Skriv et helt antall undersøkelser, for eksempel 1200"),
            ("file", "Fila er ikke en EHF-faktura"),
        ]
        return render_template("components_form.html", errors=errors if "feil" in request.args else [])

    @app.get("/feil/<int:status>", endpoint="errors.show")
    def error(status: int) -> tuple[str, int]:
        return layout.error_page(status, reference="7f3k9q", details=["Parameteren «hff» finnes ikke."])

    @app.get("/melding", endpoint="errors.flash")
    def message() -> Any:
        flash("Fakturaen er lagret.")
        return redirect("/skjema")

    @app.get("/forbudt")
    def forbidden() -> None:
        abort(403)

    @app.route("/logg-inn", methods=["GET", "POST"], endpoint="auth.sign_in")
    def sign_in() -> str:
        return render_template("sign_in.html", persons=PERSONS, email="")

    @app.post("/logg-ut", endpoint="auth.sign_out")
    def sign_out() -> Any:
        return redirect("/logg-inn")

    @app.post("/eksempel/i-dag", endpoint="example.set_today")
    def set_today() -> Any:
        return redirect("/")

    layout.add_nav(app, 10, i18n.N_("Overview"), "overview.front")
    layout.add_nav(app, 20, i18n.N_("Agreement"), "forms.show")
    layout.add_nav(app, 30, i18n.N_("Options"), "errors.flash")
    layout.add_nav(app, 40, i18n.N_("Catalogue"), "not.there")
    return app
