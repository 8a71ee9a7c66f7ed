"""API of long work: how far a job is, and taking it back. Resources that hand jobs in answer with `accepted`."""

from __future__ import annotations

from typing import Any

from flask import Response

from contracts.schemas.answers import ListQuerySchema
from contracts.schemas.jobs import JobPageSchema, JobSchema
from contracts.terms.job import JobView
from contracts.web import api
from contracts.web.acts import asked, done
from contracts.web.api import ApiBlueprint, answers, from_cursor, json_answer, to_cursor
from contracts.web.conditional import etagged
from contracts.web.guard import signed_in
from contracts.work import jobs

LOOK_AGAIN_AFTER = "2"

resource = ApiBlueprint("jobs_api", __name__, url_prefix=f"{api.PREFIX}/jobs", description="Long work.")


def accepted(job: JobView) -> Response:
    """Answer that a job was handed in: 202, the job, and where to look how far it is.

    A view that returns it declares it by ``@answers(JobSchema, status=202, description="…")``.
    """
    headers = {"Location": f"{api.PREFIX}/jobs/{job.id}", "Retry-After": LOOK_AGAIN_AFTER}
    return json_answer(JobSchema().dump(job), 202, headers)


@resource.route("", methods=["GET"])
@signed_in
@answers(JobPageSchema, description="The jobs you may see, newest first.", problems=(422,))
@etagged
@resource.arguments(ListQuerySchema, location="query")
def list_jobs(query: dict[str, Any]) -> Response:
    """List jobs"""
    (before,) = from_cursor(query["after"], api.whole) or (None,)
    found = asked(jobs.list_jobs, before=before, limit=query["limit"])
    following = to_cursor(found[-1].id) if len(found) == query["limit"] else None
    return json_answer({"items": [JobSchema().dump(job) for job in found], "next": following})


@resource.route("/<int:job_id>", methods=["GET"])
@signed_in
@answers(JobSchema, description="The job as it is now.", problems=(404,))
@etagged
def show_job(job_id: int) -> Response:
    """Tell how far a job is"""
    return json_answer(JobSchema().dump(asked(jobs.find, job_id=job_id)))


@resource.route("/<int:job_id>/cancel", methods=["POST"])
@signed_in
@answers(
    JobSchema,
    description="It is cancelled, or (`cancel_requested`) asked to stop. Asking again changes nothing.",
    problems=(404, 409),
)
def cancel_job(job_id: int) -> Response:
    """Take a job back"""
    job = done(jobs.cancel, job_id=job_id)
    return json_answer(JobSchema().dump(job))
