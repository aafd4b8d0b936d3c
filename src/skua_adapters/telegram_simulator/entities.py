"""Message entities: what they are, how long text is, and whether given ones fit their text."""

from collections.abc import Iterable
from typing import Any

import msgspec

from .links import LinkRefused, check_link, linked_user_id
from .refusals import bad_request

_HIGHEST_OFFSET = 1_000_000
_ORDER_OF_TYPES = (
    "blockquote",
    "expandable_blockquote",
    "pre",
    "code",
    "date_time",
    "text_link",
    "text_mention",
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "custom_emoji",
)
"""From the outermost to the innermost of those that span the same text."""
_RANK = {name: rank for rank, name in enumerate(_ORDER_OF_TYPES)}
_FOUND_BY_TELEGRAM = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}
    | {"bank_card_number"}
)
"""Taken without complaint and ignored: Telegram finds them in the text itself."""
_QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_CODE = frozenset({"code", "pre"})
_STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")
_WHOLES = frozenset(_ORDER_OF_TYPES) - _QUOTES - frozenset(_STYLES)


class Entity(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Offset and length in UTF-16 code units, as everywhere in the Bot API."""

    type: str
    offset: int
    length: int
    url: str | None = None
    user: dict[str, Any] | None = None
    language: str | None = None
    custom_emoji_id: str | None = None
    unix_time: int | None = None
    date_time_format: str | None = None

    @property
    def end(self) -> int:
        return self.offset + self.length


def utf16_length(text: str) -> int:
    if text.isascii():
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def tidy(entities: Iterable[Entity]) -> list[Entity]:
    """In Telegram's order and nested as it allows.

    Links, code, emoji and the like don't overlap each other and don't leave the quote that they
    begin in; quotes don't overlap; styles leave out code. That Telegram also cuts styles which
    cross each other isn't imitated: it looks the same.
    """
    ordered = sorted((entity for entity in entities if entity.length > 0), key=_order)
    if len(ordered) < 2:  # noqa: PLR2004 - nothing that it could be nested in
        return ordered
    quotes = _apart(entity for entity in ordered if entity.type in _QUOTES)
    wholes = [
        entity
        for entity in _apart(entity for entity in ordered if entity.type in _WHOLES)
        if not any(_crosses(quote, entity) for quote in quotes)
    ]
    code = [entity for entity in wholes if entity.type in _CODE]
    styles = [
        piece
        for style in _STYLES
        for entity in _joined(entity for entity in ordered if entity.type == style)
        for piece in _without(entity, code)
    ]
    return sorted((*quotes, *wholes, *styles), key=_order)


def _order(entity: Entity) -> tuple[int, int, int]:
    return (entity.offset, -entity.length, _RANK[entity.type])


def _apart(entities: Iterable[Entity]) -> list[Entity]:
    """Those that begin after the end of the one before."""
    kept: list[Entity] = []
    for entity in entities:
        if not kept or entity.offset >= kept[-1].end:
            kept.append(entity)
    return kept


def _crosses(quote: Entity, entity: Entity) -> bool:
    overlaps = quote.offset < entity.end and entity.offset < quote.end
    return overlaps and not (quote.offset <= entity.offset and entity.end <= quote.end)


def _joined(entities: Iterable[Entity]) -> list[Entity]:
    """Of one style: overlapping ones are one."""
    joined: list[Entity] = []
    for entity in entities:
        if joined and entity.offset < joined[-1].end:
            end = max(joined[-1].end, entity.end)
            joined[-1] = moved(joined[-1], joined[-1].offset, end)
        else:
            joined.append(entity)
    return joined


def _without(entity: Entity, code: Iterable[Entity]) -> list[Entity]:
    pieces, begin = [], entity.offset
    for hole in code:
        if hole.offset < entity.end and hole.end > begin:
            pieces.append(moved(entity, begin, hole.offset))
            begin = hole.end
    pieces.append(moved(entity, begin, entity.end))
    return [piece for piece in pieces if piece.length > 0]


def moved(entity: Entity, offset: int, end: int) -> Entity:
    changes: dict[str, Any] = {"offset": offset, "length": end - offset}
    return msgspec.structs.replace(entity, **changes)


def read_entities(raw: object) -> list[Entity]:
    """Entities as a caller gave them. Raises ``Refusal``."""
    if not isinstance(raw, list):
        return []
    read = (_read_entity(item) for item in raw)
    return [entity for entity in read if entity is not None]


def check_entities(text: str, entities: Iterable[Entity]) -> None:
    """Raises ``Refusal`` for an entity that lies outside the text or cuts a character."""
    length = utf16_length(text)
    inside = _inside_of_characters(text)
    for entity in sorted(entities, key=lambda entity: entity.offset):
        offset, end = entity.offset, entity.end
        if offset > length:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {offset}")
        if offset in inside:
            raise bad_request(
                f"entity begins in a middle of a UTF-16 symbol at byte offset {inside[offset]}"
            )
        if end > length:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} "
                f"ends after the end of the text at UTF-16 offset {end}"
            )
        if end in inside:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} "
                f"ends in a middle of a UTF-16 symbol at byte offset {inside[end]}"
            )


def _inside_of_characters(text: str) -> dict[int, int]:
    """UTF-16 offsets that cut a character, with the byte at which the next one begins."""
    if text.isascii():
        return {}
    inside: dict[int, int] = {}
    units = position = 0
    for character in text:
        position += len(character.encode("utf-8", "surrogatepass"))
        if character > "\uffff":
            inside[units + 1] = position
            units += 1
        units += 1
    return inside


def _read_entity(item: object) -> Entity | None:
    if not isinstance(item, dict):
        raise _unreadable("expected an Object")
    offset = _number(item, "offset")
    length = _number(item, "length")
    kind = _string(item, "type")
    if kind in _FOUND_BY_TELEGRAM:
        return None
    if kind not in _RANK:
        raise _unreadable("Unsupported type specified")
    if not 0 <= offset <= _HIGHEST_OFFSET:
        raise bad_request(f"receive an entity with incorrect offset {offset}")
    if not 0 <= length <= _HIGHEST_OFFSET:
        raise bad_request(f"receive an entity with incorrect length {length}")
    return _with_details(Entity(type=kind, offset=offset, length=length), item)


def _with_details(entity: Entity, item: dict[str, Any]) -> Entity:
    match entity.type:
        case "text_link":
            _read_link(entity, _string(item, "url"))
        case "text_mention":
            user = item.get("user")
            if not isinstance(user, dict):
                raise _unreadable('Can\'t find field "user"')
            entity.user = {"id": _number(user, "id")}
        case "custom_emoji":
            entity.custom_emoji_id = str(_number(item, "custom_emoji_id"))
            if entity.custom_emoji_id == "0":
                raise bad_request("invalid custom emoji identifier specified")
        case "pre":
            entity.language = item.get("language") or None
        case "date_time":
            entity.unix_time = _number(item, "unix_time")
            entity.date_time_format = item.get("date_time_format") or None
            if not is_date_format(entity.date_time_format or ""):
                raise _unreadable("Invalid date-time format specified")
    return entity


def is_date_format(text: str) -> bool:
    return text in ("", "r", "R") or set(text) <= set("tTdDwW")


def _read_link(entity: Entity, url: str) -> None:
    user_id = linked_user_id(url)
    if user_id is not None:
        entity.type, entity.user = "text_mention", {"id": user_id}
        return
    try:
        entity.url = check_link(url)
    except LinkRefused as problem:
        raise bad_request(f"entity URL '{url}' is invalid: {problem}") from problem


def _number(item: dict[str, Any], name: str) -> int:
    value = item.get(name)
    if value is None:
        raise _unreadable(f'Can\'t find field "{name}"')
    try:
        return int(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise _unreadable(f'Field "{name}" must be a valid Number') from error


def _string(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if value is None:
        raise _unreadable(f'Can\'t find field "{name}"')
    if not isinstance(value, str):
        raise _unreadable(f'Field "{name}" must be of type String')
    return value


def _unreadable(reason: str) -> Exception:
    return bad_request(f"can't parse MessageEntity: {reason}")
