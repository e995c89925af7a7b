"""The kinds of value that settings take, each with the words for what is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from lfm_online.plain_number import plain


@dataclass(frozen=True, slots=True)
class Allowed:
    """Marks a type with what it allows, in words that complete "allowed: …"."""

    words: str


class RatingRange(NamedTuple):
    """The lowest and the highest rating that is learned, both included."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{plain(self.low)},{plain(self.high)}"


def parse_rating_range(value: object) -> RatingRange:
    """Read ``"LOW,HIGH"`` or a pair of numbers.

    Raises:
        ValueError: not two finite numbers of at most 1e9, the first below the second.
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 2:
        raise ValueError("not two numbers")
    low, high = (float(part) for part in parts)
    if not -1e9 <= low < high <= 1e9:
        raise ValueError("not in order, or beyond 1e9")
    return RatingRange(low, high)


def redacted(url: str) -> str:
    """A store's URL as it may be logged: user name and password replaced by ``***``.

    Works on a malformed URL too: whatever stands before the last ``@`` goes.
    """
    without_login = re.sub(r"^(\w+://)?.*@", r"\1***@", url, flags=re.DOTALL)
    return re.sub(r"([?&](?:username|password)=)[^&#]*", r"\1***", without_login)


def setting(default: object, meaning: str, *, unit: str = "", flag: str = "", **limits: Any) -> Any:
    """A field of Settings: its default, meaning and unit, and pydantic's limits (``ge``, ``le``).

    Without ``flag`` the command line's name for it is made from the field's.
    """
    return Field(
        default=default, description=meaning, json_schema_extra={"unit": unit, "flag": flag}, **limits
    )


BootstrapServers = Annotated[
    str,
    Field(pattern=r"^[^\s,@]+:\d{1,5}(,[^\s,@]+:\d{1,5})*$"),
    Allowed("HOST:PORT, or several joined by commas"),
]
TOPIC_MAX_LENGTH: Final = 249
"""Of a topic's name in Kafka."""
TOPIC_PATTERN: Final = r"^([A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*|\.{3,}|)$"
TopicName = Annotated[
    str,
    Field(pattern=TOPIC_PATTERN, min_length=1, max_length=TOPIC_MAX_LENGTH),
    Allowed(f"1 to {TOPIC_MAX_LENGTH} letters, digits, dots, underscores and hyphens; not . or .."),
]
OptionalTopicName = Annotated[
    str,
    Field(pattern=TOPIC_PATTERN, max_length=TOPIC_MAX_LENGTH),
    Allowed(f"up to {TOPIC_MAX_LENGTH} letters, digits, dots, underscores and hyphens; not . or .."),
]
GroupName = Annotated[str, Field(min_length=1, max_length=255), Allowed("1 to 255 characters")]
StoreUrl = Annotated[
    str,
    Field(pattern=r"^(rediss?://|unix:///)[^\s]+$"),
    Allowed("a URL: redis://HOST:PORT/DB, rediss://…, unix:///SOCKET?db=N"),
]
# Braces would end the hash tag that keeps a model's keys on one shard.
ModelName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Allowed("1 to 64 letters, digits, dots, underscores and hyphens"),
]
RatingLimits = Annotated[
    RatingRange,
    NoDecode,
    BeforeValidator(parse_rating_range),
    Allowed("LOW,HIGH: two numbers from -1e9 to 1e9, LOW below HIGH"),
]
FieldName = Annotated[str, Field(min_length=1, max_length=64), Allowed("1 to 64 characters")]
HostName = Annotated[str, Field(pattern=r"^[^\s/]{1,255}$"), Allowed("a host name or an address")]
Port = Annotated[int, Field(ge=0, le=65535), Allowed("0 to 65535 (0: any free port)")]
Login = Annotated[str, Field(max_length=255), Allowed("up to 255 characters")]
Secret = Annotated[SecretStr, Field(max_length=4096), Allowed("up to 4096 characters, never shown")]
FileName = Annotated[str, Field(max_length=4096), Allowed("a file's path")]
OnTrouble = Literal["stop", "continue"]
Step = Annotated[float, Field(ge=0, le=1), Allowed("a number from 0 to 1")]
