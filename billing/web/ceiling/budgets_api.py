"""API: budgets against what the year costs and is expected to cost."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.ceiling.budgets import BudgetCourse, budget_course
from billing.schemas import budget_course as shapes
from billing.web.ceiling.budgets import course_table
from contracts.agreements import find_agreement
from contracts.extensions import db
from contracts.web import api
from contracts.web.acts import asked, today
from contracts.web.exports import table_answer
from contracts.web.resources import Resource

resource = Resource(
    "budget_course", __name__, url_prefix=f"{api.PREFIX}/budgets", description="Budgets against what the year costs."
)


@resource.reads(
    "/course",
    shapes.BudgetCourseSchema,
    "The year by cost centre, month and tertial.",
    query=shapes.BudgetCourseQuerySchema,
    problems=(404, 409, 422),
)
def show_course(query: dict[str, Any]) -> Any:
    """Hold a year's budgets against actual, forecast and committed costs"""
    return _course(query)


@resource.reads_file("/course.<table:suffix>", query=shapes.BudgetCourseQuerySchema, problems=(401, 403, 404, 409, 422))
def export_course(query: dict[str, Any], suffix: str) -> Response:
    """Give a year's budgets by cost centre and month as a file (csv, xlsx)"""
    return table_answer(suffix, "budsjett", course_table(_course(query)))


def _course(query: dict[str, Any]) -> BudgetCourse:
    day = today()
    return asked(
        budget_course,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        year=query["year"] or day.year,
        today=day,
        trust=query["trust"],
        known_at=query["known_at"],
    )
