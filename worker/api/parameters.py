"""What lookups take. Ids travel in the query or the body, since they may hold any character."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from urllib.parse import unquote_to_bytes

from litestar import Request
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Example
from litestar.params import QueryParameter, SkipValidation
from msgspec import Meta

from lfm_online.replica import Replica
from worker.api.problems import BadFieldError
from worker.decode_one import NEWEST_MS, BadEventError, check_id

FROM_ZERO: Final = {"minimum": 0}
"""For the description of a number that may also be null: there the framework leaves out a limit of zero."""
TheReplica = NamedDependency[SkipValidation[Replica]]

AnId = Annotated[str | int, Meta(description="An id; an integer stands for its decimal digits.")]
UserId = Annotated[
    str,
    QueryParameter(
        name="user",
        min_length=1,
        max_length=256,
        description="The user's id: 1 to 256 bytes of UTF-8 without control characters.",
        examples=[Example(value="42")],
    ),
]
ItemId = Annotated[
    str,
    QueryParameter(
        name="item",
        min_length=1,
        max_length=256,
        description="The item's id: 1 to 256 bytes of UTF-8 without control characters.",
        examples=[Example(value="318")],
    ),
]
HowMany = Annotated[
    int,
    QueryParameter(name="n", ge=1, le=1000, description="How many at most.", examples=[Example(value=10)]),
]
AtMs = Annotated[
    int | None,
    QueryParameter(
        name="at",
        ge=0,
        le=NEWEST_MS,
        schema_extra=FROM_ZERO,
        description="The time to answer for, Unix milliseconds; the newest rating's where not given.",
        examples=[Example(value=964_982_703_000)],
    ),
]


def checked_id(value: str | int, field: str) -> str:
    """An id as the model knows it; an integer stands for its decimal digits.

    Raises:
        BadFieldError: no id can be so.
    """
    try:
        return check_id(str(value), field)
    except BadEventError as error:
        raise BadFieldError(field, str(error).removeprefix(f"{field} ")) from error


@lru_cache
def parameters_of(handler: HTTPRouteHandler) -> dict[str, tuple[str, ...]]:
    """What a lookup takes in its query, in order: by name the values to choose from, if there is a choice."""
    declared = handler.parsed_fn_signature.parameters.values()
    return {
        str(field.kwarg_definition.name): _choices(field.annotation)
        for field in declared
        if isinstance(field.kwarg_definition, QueryParameter)
    }


def _choices(annotation: Any) -> tuple[str, ...]:
    within = get_args(annotation)
    return within if get_origin(annotation) is Literal else tuple(chain.from_iterable(map(_choices, within)))


async def check_query(request: Request[Any, Any, Any]) -> None:
    """See that the query is percent-encoded UTF-8, and its names the lookup's, each once.

    The framework would replace what is not UTF-8, read what is not encoded as Latin-1, take one of several
    values, and overlook a name that it does not know, such as a misspelt one. Of a value to choose it would
    say that it is none of those allowed, and not which are.

    Raises:
        BadFieldError: it isn't.
    """
    # OPTIONS asks about the path, whatever its query: a browser sends it along.
    query = b"" if request.method == "OPTIONS" else request.scope["query_string"]
    taken = parameters_of(request.route_handler)
    seen = set()
    for pair in filter(None, query.split(b"&")):
        name, _, value = pair.partition(b"=")
        field = unquote_to_bytes(name.replace(b"+", b" ")).decode(errors="replace")
        if field not in taken:
            it_takes = ", ".join(taken) or ("a body" if request.method == "POST" else "none")
            raise BadFieldError(field or "''", f"not a parameter of this lookup; it takes {it_takes}")
        if field in seen:
            raise BadFieldError(field, "given more than once")
        seen.add(field)
        if not pair.isascii():
            raise BadFieldError(field, "not percent-encoded")
        try:
            said = unquote_to_bytes(value.replace(b"+", b" ")).decode()
        except UnicodeDecodeError as error:
            raise BadFieldError(field, "not UTF-8 when percent-decoded") from error
        if taken[field] and said not in taken[field]:
            raise BadFieldError(field, f"{said!r} is none of {', '.join(taken[field])}")
