"""Errors of the API as problem details (RFC 9457). Nothing that a caller sent is echoed."""

from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be understood",
    401: "A key is needed",
    403: "This key may not do that",
    404: "Not found",
    405: "This method is not offered here",
    409: "Somebody changed it in between",
    410: "This customer is no longer published",
    413: "The request is too large",
    422: "A parameter is not valid",
    500: "The hub failed",
    503: "The database does not answer",
}


class FieldProblem(BaseModel):
    """One parameter that was refused."""

    parameter: str = Field(examples=["limit"])
    problem: str = Field(examples=["Input should be less than or equal to 500"])


class Problem(BaseModel):
    """A problem detail (RFC 9457)."""

    type: str = Field(examples=["urn:onerecord:problem:404"])
    title: str = Field(examples=[TITLES[404]])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no customer has this golden id"])
    errors: list[FieldProblem] = Field(default_factory=list)


def answer(status: int, detail: str, *, headers: Any = None, errors: list[FieldProblem] | None = None) -> JSONResponse:
    """The response for a problem of this HTTP status."""
    problem = Problem(
        type=f"urn:onerecord:problem:{status}",
        title=TITLES.get(status, "The request failed"),
        status=status,
        detail=detail,
        errors=errors or [],
    )
    return JSONResponse(problem.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


def of_validation(error: RequestValidationError) -> JSONResponse:
    """Names each parameter that was refused and why, without its value."""
    errors = [
        FieldProblem(parameter=".".join(str(part) for part in e["loc"][1:]) or str(e["loc"][0]), problem=e["msg"])
        for e in error.errors()
    ]
    return answer(422, "; ".join(f"{e.parameter}: {e.problem}" for e in errors), errors=errors)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says about these error statuses."""
    return {
        status: {
            "model": Problem,
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
