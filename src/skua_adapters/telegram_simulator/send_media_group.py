"""sendMediaGroup: an album is several messages, accepted together or not at all."""

from typing import Any

import msgspec

from .limits import RateLimits
from .media_files import MediaFile, MediaKind
from .media_input import MediaInput, check_media, read_media, take_media
from .outgoing import Sent, admit, deliver, pay, read_envelope
from .parameters import Parameters
from .refusals import MediaRefused, Refusal, bad_request
from .send_media import details_of, media_message, receipt_of
from .settings import MediaSettings
from .text import FormattedText, finish_caption, read_caption
from .world import SimulatedBot, World

_LARGEST = 10
_KINDS = {
    kind.value: kind
    for kind in (MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.DOCUMENT, MediaKind.AUDIO)
}
_AMONG_THEMSELVES = (MediaKind.AUDIO, MediaKind.DOCUMENT)


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    media: MediaInput
    caption: FormattedText
    above: bool
    spoiler: bool


def send_media_group(
    world: World,
    limits: RateLimits,
    bot: SimulatedBot,
    parameters: Parameters,
    *,
    settings: MediaSettings,
) -> Sent:
    """Raises ``Refusal``. One item alone is no album and comes without an album's id."""
    items = _read_items(parameters)
    envelope = read_envelope(world, bot, parameters, may_have_markup=False)
    for item in items:
        check_media(bot, item.media, settings)
    captions = [finish_caption(item.caption) for item in items]
    _check_album(items)
    admit(world, limits, bot, envelope)
    files = [
        _take(world, bot, item.media, settings, number)
        for number, item in enumerate(items, start=1)
    ]
    stars = pay(limits, bot, envelope, len(items))
    together = {"media_group_id": str(bot.id << 20 | bot.last_message_id)} if items[1:] else {}
    messages = [
        deliver(world, bot, envelope, together | _content(world, bot, item, file, caption))
        for item, file, caption in zip(items, files, captions, strict=True)
    ]
    return Sent(
        answer=messages,
        message_ids=tuple(message["message_id"] for message in messages),
        media=tuple(
            receipt_of(file, item.media.source) for item, file in zip(items, files, strict=True)
        ),
        stars=stars,
    )


def _read_items(parameters: Parameters) -> list[_Item]:
    parameters.required("media")
    raw = parameters.json("media", refusal="can't parse media JSON object")
    if not isinstance(raw, list):
        raise bad_request("expected an Array of InputMedia")
    return [_read_item(parameters, item) for item in raw]


def _read_item(parameters: Parameters, raw: object) -> _Item:
    if not isinstance(raw, dict):
        raise _unreadable("expected an Object")
    # The same readers as for a request; an item's fields are nothing else.
    fields = Parameters(raw, parameters.uploads)
    try:
        caption = read_caption(
            fields.text("caption"), fields.text("parse_mode"), raw.get("caption_entities")
        )
    except Refusal as problem:
        raise _unreadable(_as_cause(problem)) from problem
    kind = _kind(fields)
    media = read_media(
        fields, kind, fields.text("media"), details_of(fields, kind, as_document=True)
    )
    if media is None:
        raise _unreadable("media not found")
    return _Item(
        media=media,
        caption=caption,
        above=fields.flag("show_caption_above_media"),
        spoiler=fields.flag("has_spoiler"),
    )


def _kind(fields: Parameters) -> MediaKind:
    name = fields.text("type")
    if not name:
        raise _unreadable('Can\'t find field "type"')
    if name == MediaKind.ANIMATION:
        raise _unreadable(f'type "{name}" can\'t be used in sendMediaGroup')
    if name not in _KINDS:
        raise _unreadable(f'type "{name}" is unsupported')
    return _KINDS[name]


def _check_album(items: list[_Item]) -> None:
    if len(items) > _LARGEST:
        raise bad_request("too many messages to send as an album")
    if not items:
        raise bad_request("there are no messages to send")
    if len({item.above for item in items}) > 1:
        raise bad_request("parameter show_caption_above_media must be the same for all messages")
    kinds = {item.media.kind for item in items}
    for kind in _AMONG_THEMSELVES:
        if kind in kinds and len(kinds) > 1:
            raise bad_request(f"{kind.value} can't be mixed with other media types")


def _take(
    world: World, bot: SimulatedBot, media: MediaInput, settings: MediaSettings, number: int
) -> MediaFile:
    try:
        file = take_media(bot, world.internet, media, settings)
    except MediaRefused as problem:
        raise problem.in_album(number) from problem
    if file.kind not in _KINDS.values():
        # Its id is that of something else, which was sent before.
        raise MediaRefused("MEDIA_GROUPED_INVALID").in_album(number)
    return file


def _content(
    world: World, bot: SimulatedBot, item: _Item, file: MediaFile, caption: FormattedText
) -> dict[str, Any]:
    return media_message(world, bot, file, caption=caption, above=item.above, spoiler=item.spoiler)


def _unreadable(reason: str) -> Refusal:
    return bad_request(f"can't parse InputMedia: {reason}")


def _as_cause(problem: Refusal) -> str:
    reason = problem.description.removeprefix("Bad Request: ")
    return reason[:1].upper() + reason[1:]
