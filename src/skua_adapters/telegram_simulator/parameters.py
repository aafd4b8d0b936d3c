"""Reading a Bot API request: JSON, form, multipart or query, all meaning the same."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from aiohttp import web

from .refusals import bad_request, too_large
from .uploads import Upload

_BEYOND_64_BITS = 1 << 63
_TRUE = frozenset({"true", "yes", "1"})
ATTACHED = "attach://"
"""Before the name of the file part that a text refers to."""


async def read_parameters(request: web.BaseRequest, *, largest_upload: int) -> "Parameters":
    """Raises ``Refusal`` when the body can't be read or its files are too large."""
    raw: dict[str, Any] = dict(request.query) if request.query_string else {}
    if not request.can_read_body:
        return Parameters(raw)
    if request.content_type == "application/json":
        raw.update(_json_object(await request.read()))
        return Parameters(raw)
    uploads: dict[str, Upload] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, str):
            raw[name] = value
            continue
        # A file in the field of its own is the same as one that the field's text refers to.
        raw[name] = f"{ATTACHED}{name}"
        uploads[name] = _upload(value)
    if sum(upload.size for upload in uploads.values()) > largest_upload:
        raise too_large()
    return Parameters(raw, uploads)


def _upload(value: web.FileField | bytes | bytearray) -> Upload:
    if isinstance(value, web.FileField):
        with value.file as file:
            return Upload(file.read(), value.filename)
    return Upload(bytes(value))


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(content) if content else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"can't parse parameter value: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("JSON object expected")
    return body


_NOTHING: Mapping[str, Upload] = MappingProxyType({})


class Parameters:
    """One request's parameters. Telegram takes each of them as a string, whatever its JSON type."""

    def __init__(self, raw: Mapping[str, Any], uploads: Mapping[str, Upload] = _NOTHING) -> None:
        self.raw = raw
        self.uploads = uploads
        """The file parts by their names."""

    def text(self, name: str) -> str:
        """The empty string when it is missing."""
        value = self.raw.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        return msgspec.json.encode(value).decode()

    def flag(self, name: str) -> bool:
        return name in self.raw and self.text(name).lower() in _TRUE

    def integer(self, name: str, *, default: int, low: int, high: int) -> int:
        """Moved into ``low … high``; what isn't a number counts as 0, as Telegram has it."""
        text = self.text(name)
        if not text:
            return default
        return min(max(_to_integer(text), low), high)

    def required(self, name: str) -> str:
        """Raises ``Refusal`` when it's missing or empty."""
        text = self.text(name)
        if not text:
            raise bad_request(f'parameter "{name}" is required')
        return text

    def chat_id(self) -> int:
        """0, which no chat has, for what isn't a number. Raises ``Refusal`` when it's missing."""
        if not self.text("chat_id"):
            raise bad_request("chat_id is empty")
        return self.chat_number()

    def chat_number(self, name: str = "chat_id") -> int:
        """As ``chat_id``, and 0 also when it's missing."""
        return _to_integer(self.text(name))

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
