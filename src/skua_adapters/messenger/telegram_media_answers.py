"""What Telegram's answer to a message with media means: pure functions over status and body."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

import msgspec

from skua_adapters.messenger.telegram_answers import UNREADABLE, SentMessage, classify
from skua_core.domain.media import MediaKind
from skua_core.ports.messenger import Refused, SendOutcome, Sent, Throttled, Unknown

_NOT_ALL_SENT = re.compile("failed to send message #|group send failed", re.IGNORECASE)
"""What tdlib/telegram-bot-api says of an album when some message of it wasn't sent
(``Client::on_message_send_failed``)."""


class _File(msgspec.Struct, frozen=True):
    file_id: str


class _PhotoSize(_File, frozen=True):
    width: int = 0
    height: int = 0


class _Message(SentMessage, frozen=True):
    """Its media, by the names of their kinds."""

    photo: tuple[_PhotoSize, ...] = ()
    video: _File | None = None
    animation: _File | None = None
    document: _File | None = None
    audio: _File | None = None
    voice: _File | None = None


class _AcceptedMedium(msgspec.Struct, frozen=True):
    ok: bool
    result: _Message


class _AcceptedAlbum(msgspec.Struct, frozen=True):
    ok: bool
    result: Annotated[tuple[_Message, ...], msgspec.Meta(min_length=1)]


class _AcceptedIds(msgspec.Struct, frozen=True):
    """An album without a look at its media."""

    ok: bool
    result: Annotated[tuple[SentMessage, ...], msgspec.Meta(min_length=1)]


_decode_medium = msgspec.json.Decoder(_AcceptedMedium).decode
_decode_album = msgspec.json.Decoder(_AcceptedAlbum).decode
_decode_ids = msgspec.json.Decoder(_AcceptedIds).decode


def classify_medium(status: int, body: bytes, kind: MediaKind) -> SendOutcome:
    """As ``classify``, with the file id of the one medium."""
    outcome = classify(status, body)
    if not isinstance(outcome, Sent):
        return outcome
    try:
        file_id = _file_id(kind, _decode_medium(body).result)
    except UNREADABLE:
        # It was sent, whatever Telegram says of the file.
        file_id = None
    return Sent(message_id=outcome.message_id, file_ids=(file_id,))


def classify_album(status: int, body: bytes, kinds: Sequence[MediaKind]) -> SendOutcome:
    """As ``classify``, with the file ids of the media, in their order.

    An album is several messages. When it is throttled, or one of them failed, others may have been
    sent: that is ``Unknown``, with what Telegram said. Who blocked the bot has got none of them.
    """
    if status == HTTPStatus.OK:
        return _accepted_album(body, kinds)
    outcome = classify(status, body)
    if isinstance(outcome, Throttled):
        wait = outcome.retry_after
        return Unknown(reason=f"answered {status:d}", answered=True, retry_after=wait)
    if isinstance(outcome, Refused) and _NOT_ALL_SENT.search(outcome.description):
        return Unknown(reason=outcome.description, answered=True, refused=outcome)
    return outcome


def _accepted_album(body: bytes, kinds: Sequence[MediaKind]) -> SendOutcome:
    try:
        answer = _decode_ids(body)
    except UNREADABLE:
        return Unknown(reason="answered 200 with a body that isn't Telegram's", answered=True)
    if not answer.ok:
        return Unknown(reason="answered 200 with a body that isn't Telegram's", answered=True)
    file_ids: list[str | None] = []
    try:
        messages = _decode_album(body).result
        file_ids += map(_file_id, kinds, messages)
    except UNREADABLE:
        pass
    file_ids += [None] * (len(kinds) - len(file_ids))
    return Sent(message_id=answer.result[0].message_id, file_ids=tuple(file_ids))


def _file_id(kind: MediaKind, message: _Message) -> str | None:
    """Telegram may find that a file is of another kind, such as a video without sound, which is an
    animation. Its id may be used for either: only photos are apart (TDLib, FileTypeClass).
    """
    if kind is MediaKind.PHOTO:
        largest = max(message.photo, key=lambda size: size.width * size.height, default=None)
        return None if largest is None else largest.file_id
    own: _File | None = getattr(message, kind.value)
    # An animation comes with itself as a document too, so that a document is the last guess.
    others = (message.animation, message.video, message.audio, message.voice, message.document)
    found = next((file for file in (own, *others) if file is not None), None)
    return None if found is None else found.file_id
