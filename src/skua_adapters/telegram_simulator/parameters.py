"""Reading a Bot API request: JSON, form, multipart or query, all meaning the same."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from .refusals import bad_request

_BEYOND_64_BITS = 1 << 63
_TRUE = frozenset({"true", "yes", "1"})


async def read_parameters(request: web.BaseRequest) -> dict[str, Any]:
    """Raises ``Refusal`` when the body can't be read."""
    parameters: dict[str, Any] = dict(request.query) if request.query_string else {}
    if not request.can_read_body:
        return parameters
    if request.content_type == "application/json":
        parameters.update(_json_object(await request.read()))
    else:
        for name, value in (await request.post()).items():
            parameters[name] = value if isinstance(value, str) else f"attach://{name}"
    return parameters


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(content) if content else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"can't parse parameter value: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("JSON object expected")
    return body


class Parameters:
    """One request's parameters. Telegram takes each of them as a string, whatever its JSON type."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    def text(self, name: str) -> str:
        """The empty string when it is missing."""
        value = self.raw.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        return msgspec.json.encode(value).decode()

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in _TRUE

    def integer(self, name: str, *, default: int, low: int, high: int) -> int:
        """Moved into ``low … high``; what isn't a number counts as 0, as Telegram has it."""
        text = self.text(name)
        if not text:
            return default
        return min(max(_to_integer(text), low), high)

    def chat_id(self) -> int:
        """0, which no chat has, for what isn't a number. Raises ``Refusal`` when it's missing."""
        if not self.text("chat_id"):
            raise bad_request("chat_id is empty")
        return self.chat_number()

    def chat_number(self) -> int:
        """As ``chat_id``, and 0 also when it's missing."""
        return _to_integer(self.text("chat_id"))

    def json(self, name: str, *, refusal: str) -> Any:
        """None when it is missing; raises ``Refusal`` with ``refusal`` for broken JSON."""
        value = self.raw.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise bad_request(refusal) from error


def _to_integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        return 0
    return number if -_BEYOND_64_BITS <= number < _BEYOND_64_BITS else 0
