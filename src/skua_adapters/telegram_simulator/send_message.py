"""sendMessage: the checks in Telegram's order, and the message that comes back."""

from typing import Any

from .limits import RateLimits
from .outgoing import Sent, admit, deliver, pay, read_envelope, shown_entities
from .parameters import Parameters
from .refusals import bad_request
from .text import finish_text, read_text
from .world import SimulatedBot, World

_PREVIEW_FLAGS = ("is_disabled", "prefer_small_media", "prefer_large_media", "show_above_text")


def send_message(
    world: World, limits: RateLimits, bot: SimulatedBot, parameters: Parameters
) -> Sent:
    """Raises ``Refusal``."""
    preview = _link_preview(parameters) if "link_preview_options" in parameters.raw else {}
    formatted = read_text(
        parameters.text("text"),
        parameters.text("parse_mode"),
        parameters.json("entities", refusal="can't parse entities JSON object"),
    )
    envelope = read_envelope(world, bot, parameters)
    finished = finish_text(formatted)
    admit(world, limits, bot, envelope)
    stars = pay(limits, bot, envelope)
    content: dict[str, Any] = {"text": finished.text}
    if finished.entities:
        content |= shown_entities(world, "entities", finished.entities)
    if preview:
        content["link_preview_options"] = preview
    message = deliver(world, bot, envelope, content)
    return Sent(answer=message, message_ids=(message["message_id"],), stars=stars)


def _link_preview(parameters: Parameters) -> dict[str, Any]:
    raw = parameters.json(
        "link_preview_options", refusal="can't parse link preview options JSON object"
    )
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise bad_request("object expected as link preview options")
    preview: dict[str, Any] = {}
    url = raw.get("url")
    if url is not None and not isinstance(url, str):
        raise bad_request('field "url" must be of type String')
    if url:
        preview["url"] = url
    for name in _PREVIEW_FLAGS:
        value = raw.get(name)
        if value is not None and not isinstance(value, bool):
            raise bad_request(f'field "{name}" must be of type Boolean')
        if value:
            preview[name] = True
    return preview
