"""How the JSON API answers: bodies as they are described, problems as RFC 9457 says."""

from typing import Any, Final, Literal

import msgspec
from fastapi.responses import Response
from pydantic import BaseModel, Field

from trialbridge.runtime.web import PROBLEM


class ProblemBody(BaseModel):
    """A problem (RFC 9457) with our stable code."""

    type: str = Field(examples=["/problems/request.not-found"])
    title: str
    status: int
    detail: str
    code: str
    trace_id: str


def _problem(about: str) -> dict[str, Any]:
    return {"model": ProblemBody, "description": about, "content": {PROBLEM: {}}}


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    401: _problem("Signed out: `access.signed-out`."),
    403: _problem(
        "The role lacks the scope, or the form token is missing: `access.scope-missing`, `access.form-token`."
    ),
    404: _problem("Nothing there, or nothing that you may see: `request.not-found`."),
    422: _problem("Not as described: `request.invalid`, or the code of what was refused."),
    503: _problem("The store is away; try again: `documents.unavailable`."),
}


class MarkAsked(BaseModel):
    """A mark for a match."""

    mark: Literal["new", "pending", "flagged", "not_eligible", "enrolled", "contacted", "eligible", "deferred"]


class ReviewAsked(BaseModel):
    """A person's decision on what they saw."""

    decision: Literal["approve", "decline", "reopen"]
    explanation_digest: str = Field(pattern="^[0-9a-f]{64}$", description="Of the explanation that the person saw.")
    note: str = Field(default="", max_length=2_000)


class TrialText(BaseModel):
    """A trial, native or CTML."""

    text: str = Field(max_length=500_000)


class StatusAsked(BaseModel):
    """A trial's new status."""

    status: Literal["open", "suspended", "closed"]


class DiscardAsked(BaseModel):
    """Why nobody needs a dead letter."""

    reason: str = Field(min_length=1, max_length=300, description="For people; without anything of a patient.")


class StatementAsked(BaseModel):
    """What an authority says of a trial; what is left out stays as it is in force."""

    authority: str = Field(min_length=1, max_length=300)
    approved: bool | None = None
    hold: bool | None = None
    reason: str = Field(
        default="", max_length=300, description="Why it is on hold; laboratories and practices read it."
    )
    sites: dict[str, Literal["active", "inactive"]] = {}


class SignIn(BaseModel):
    """Name and password."""

    tenant: str = Field(max_length=80)
    role: Literal["practice", "lab", "auditor", "operator"]
    name: str = Field(max_length=80)
    password: str = Field(max_length=400)


def answer(value: Any, status: int = 200) -> Response:
    """Return any of the views' values as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")
