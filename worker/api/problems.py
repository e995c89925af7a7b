"""Every error as problem details (RFC 9457), with the fields at fault named."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Any, Final

from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)
from msgspec import Meta, Struct

from lfm_online.layout import FormatError
from lfm_online.meta import MetaMismatchError
from lfm_online.ranking.scores import NoRankingError
from lfm_online.replica_reads import NotReadyError
from lfm_online.similar import UnknownIdError
from lfm_online.store.protocol import StoreAwayError, StoreBrokenError

RETRY_AFTER_SECONDS: Final = 1
_MISSING = re.compile(r"Missing required query parameter '(\w+)'")
_log = logging.getLogger(__name__)


class Fault(Struct):
    """One field that is at fault."""

    field: Annotated[str, Meta(description="Parameter, or place in the body.", examples=["user"])]
    message: Annotated[str, Meta(examples=["missing"])]


class Problem(Struct, kw_only=True):
    """Problem details (RFC 9457)."""

    status: Annotated[int, Meta(examples=[400])]
    type: Annotated[str, Meta(examples=["about:blank"])]
    title: Annotated[str, Meta(examples=["Bad Request"])]
    detail: Annotated[str, Meta(examples=["user: missing"])]
    errors: list[Fault] = []


def _described(description: str) -> ResponseSpec:
    return ResponseSpec(
        Problem, generate_examples=False, description=description, media_type="application/problem+json"
    )


PROBLEMS: Final = {
    400: _described("A parameter or the body is not what it may be; errors names the field."),
    503: _described("The store is away or the rows are not up to date; try again after Retry-After seconds."),
}
"""What any lookup may answer instead."""

BODY_PROBLEMS: Final = {**PROBLEMS, 413: _described("The body is larger than 10 MB.")}
"""What a lookup that takes a body may answer instead."""

PROBLEMS_OR_UNKNOWN: Final = {**PROBLEMS, 404: _described("The model has never seen that id.")}
"""What a lookup of something that must exist may answer instead."""


UNRANKED: Final = {409: _described("It takes a ranking head, and the model has none (`LFM_RANKING`).")}
"""What a lookup of what is taken next may answer instead."""


class BadFieldError(Exception):
    """A field of a request is not what it may be."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def _problem(
    status: int,
    title: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> ProblemDetailsException:
    return ProblemDetailsException(
        status_code=status,
        type_="about:blank",
        title=title,
        detail=detail,
        extra={"errors": errors} if errors else None,
        headers=headers,
    )


def _bad(errors: list[dict[str, str]]) -> ProblemDetailsException:
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    return _problem(400, "Bad Request", detail, errors)


def _bad_field(error: BadFieldError) -> ProblemDetailsException:
    return _bad([{"field": error.field, "message": error.message}])


def _invalid(error: ValidationException) -> ProblemDetailsException:
    missing = _MISSING.match(error.detail)
    if missing:
        return _bad([{"field": missing[1], "message": "missing"}])
    given: list[Any] = error.extra if isinstance(error.extra, list) else []
    return _bad([_named(fault) for fault in given] or [{"field": "body", "message": error.detail}])


def _named(fault: dict[str, str]) -> dict[str, str]:
    """The parameter at fault."""
    if fault["key"] == "data":  # there is no body; what is wrong within one is told by worker.api.bodies
        return {"field": "body", "message": "missing"}
    return {"field": fault["key"], "message": fault["message"]}


def _http(error: HTTPException) -> ProblemDetailsException:
    """What the framework refuses: no such path, another method, a body that is too large or not JSON."""
    if error.status_code == 400:
        return _bad([{"field": "body", "message": error.detail}])
    titles = {404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large"}
    title = titles.get(error.status_code, "Error")
    return _problem(error.status_code, title, error.detail, headers=error.headers)


def _unknown(error: UnknownIdError) -> ProblemDetailsException:
    return _problem(404, "Not Found", str(error), [{"field": error.kind, "message": "unknown"}])


def _unranked(error: NoRankingError) -> ProblemDetailsException:
    return _problem(409, "Conflict", str(error))


def _away(error: Exception) -> ProblemDetailsException:
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return _problem(503, "Service Unavailable", str(error), headers=retry)


def _unforeseen(error: Exception) -> ProblemDetailsException:
    _log.error("a lookup failed", exc_info=error)
    return _problem(500, "Internal Server Error", "the lookup failed; the server's log says how")


def problem_details() -> ProblemDetailsPlugin:
    """The plugin that words every exception."""
    away = (NotReadyError, StoreAwayError, StoreBrokenError, FormatError, MetaMismatchError)
    return ProblemDetailsPlugin(
        ProblemDetailsConfig(
            exception_to_problem_detail_map={
                BadFieldError: _bad_field,
                ValidationException: _invalid,
                HTTPException: _http,
                UnknownIdError: _unknown,
                NoRankingError: _unranked,
                **dict.fromkeys(away, _away),
                Exception: _unforeseen,
            }
        )
    )
