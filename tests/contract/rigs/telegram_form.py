"""What a multipart/form-data request holds, read by another library than it was written with."""

import json
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from tests.contract.rigs.telegram_wire import Request

_TEXTS = {"caption", "message_effect_id"}
"""Fields that aren't JSON, whatever they look like."""


@dataclass(frozen=True)
class Part:
    name: str
    data: bytes
    file_name: str | None = None


def parts_of(request: Request) -> list[Part]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = message_from_bytes(head + request.body, policy=HTTP)
    assert form.get_content_type() == "multipart/form-data"
    assert not form.defects
    parts = []
    for part in form.iter_parts():
        assert part.get_content_disposition() == "form-data"
        name, file_name = part.get_param("name", header="content-disposition"), part.get_filename()
        data = part.get_payload(decode=True)
        assert isinstance(name, str)
        assert isinstance(data, bytes)
        parts.append(Part(name, data, file_name))
    return parts


def body_of(request: Request) -> dict[str, Any]:
    """Fields by their names; a file is the text that Telegram would take instead of it."""
    if request.headers["content-type"] == "application/json":
        body: dict[str, Any] = json.loads(request.body)
        return body
    return {
        part.name: "a file" if part.file_name else _value(part.name, part.data.decode())
        for part in parts_of(request)
    }


def _value(name: str, text: str) -> Any:
    return text if name in _TEXTS else json.loads(text)
