"""Bodies of requests: decoded as strictly as they are described."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from worker.api.problems import BadFieldError

_INNER: Final = re.compile(
    r"Object (?P<how>missing required|contains unknown) field `(?P<field>.*)`$", re.DOTALL
)
_PLACE: Final = re.compile(r"(?P<what>.+?) - at `\$\.?(?P<place>[^`]*)`$", re.DOTALL)
_HIGH_HALF: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is that of its handler's ``data`` to the letter.

    The framework would decode the JSON without a type, and convert what it finds: "2" to a number, 1 to true.
    """

    async def json(self) -> Any:
        """The body, of the type that the handler takes.

        Raises:
            BadFieldError: it is no such thing.
        """
        kind = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        return decoded(await self.body(), kind)


class ClosedBodies(OpenAPISchemaPlugin):
    """Describes that a body takes no further fields, which the framework leaves out."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether it is a struct that refuses further fields."""
        kind = field_definition.annotation
        is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        return is_struct and kind.__struct_config__.forbid_unknown_fields

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        """The framework's schema, closed."""
        framework = next(
            each
            for each in schema_creator.plugins
            if each is not self and schema_creator.plugin_supports_field(each, field_definition)
        )
        schema: Schema = framework.to_openapi_schema(field_definition, schema_creator)
        schema.additional_properties = False
        return schema


def decoded(body: bytes, kind: Any) -> Any:
    """A body as what it should be.

    Raises:
        BadFieldError: it isn't; the place in the body is the field.
    """
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise _misplaced(str(error)) from error
    except msgspec.DecodeError as error:
        raise BadFieldError("body", _no_json(body, str(error))) from error
    except UnicodeDecodeError as error:
        raise BadFieldError("body", "holds a string that is not UTF-8") from error


@lru_cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _misplaced(message: str) -> BadFieldError:
    """What is wrong with one value; the body as a whole is called so."""
    field = ""
    place = _PLACE.match(message)
    if place:
        field, message = place["place"], place["what"]
    inner = _INNER.match(message)
    if inner:
        field = f"{field}.{inner['field']}" if field else inner["field"]
        message = "missing" if inner["how"] == "missing required" else "not a field of this request"
    return BadFieldError(field or "body", message)


def _no_json(body: bytes, message: str) -> str:
    """Why a body is no JSON."""
    if not body.strip():
        return "missing"
    # The decoder takes a body for cut short where it ends so soon behind half of a surrogate pair that the
    # other half would not fit.
    halves = _HIGH_HALF.findall(body)
    if halves and message == "Input data was truncated" and _is_whole(body):
        return f"{halves[-1].decode()} is half of a surrogate pair, which is no text"
    return message


def _is_whole(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
