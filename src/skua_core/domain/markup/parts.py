"""What a message has beside its text: which of it Telegram takes, and what goes together."""

import re
from urllib.parse import urlsplit

from skua_core.domain.content import ALBUM_SIZES, LinkPreview, MessageSource
from skua_core.domain.markup.links import (
    is_telegram_number,
    problem_with_file_address,
    problem_with_link,
)
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.errors import MediumUnfit, MessageUnfit

_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""Anything else might be read as an address or as the name of a part of the request."""
_CHAT_ID_MAX = 2**52
_MESSAGE_ID_MAX = 2**31 - 1
_NEVER_IN_ALBUMS = {MediaKind.ANIMATION: "an animation", MediaKind.VOICE: "a voice message"}
_MIXABLE = frozenset({MediaKind.PHOTO, MediaKind.VIDEO})


def check_parts(source: MessageSource) -> None:
    """Raises MediumUnfit and MessageUnfit."""
    for number, medium in enumerate(source.media, start=1):
        problem = _problem_with_medium(medium)
        if problem:
            alone = len(source.media) == 1
            what = f"The {medium.kind}" if alone else f"Medium {number} ({medium.kind})"
            raise MediumUnfit(what, problem)
    problem = (
        _problem_with_album(source) or _problem_with_copy(source) or _problem_with_options(source)
    )
    if problem:
        raise MessageUnfit(problem)


def _problem_with_medium(medium: Medium) -> str | None:
    given = [medium.file_id, medium.url, medium.upload]
    if len(given) - given.count(None) != 1:
        return "it needs either a file_id, an address (url) or an upload, one of them"
    if medium.file_id is not None and not _FILE_ID.fullmatch(medium.file_id):
        return "its file_id is none: those have 1 to 256 letters, digits, dashes and underscores"
    if medium.url is not None and (problem := problem_with_file_address(medium.url)):
        return f"Telegram can't fetch it from that address: {problem}"
    if medium.spoiler and not medium.kind.is_visual:
        return "only photos, videos and animations can be hidden as a spoiler"
    return None


def _problem_with_album(source: MessageSource) -> str | None:
    if len(source.media) < ALBUM_SIZES.start:
        return None
    if len(source.media) not in ALBUM_SIZES:
        return (
            f"an album has {ALBUM_SIZES.start} to {ALBUM_SIZES[-1]} media, "
            f"and this one has {len(source.media)}"
        )
    if source.buttons:
        return "an album can't have buttons; put links into its text, or send one medium"
    kinds = {medium.kind for medium in source.media}
    for kind, name in _NEVER_IN_ALBUMS.items():
        if kind in kinds:
            return f"{name} can't be in an album; send it by itself"
    if len(kinds) > 1 and not kinds <= _MIXABLE:
        return (
            "an album mixes only photos and videos; documents go with documents alone, "
            "and audio with audio"
        )
    return None


def _problem_with_copy(source: MessageSource) -> str | None:
    copied = source.copied
    if copied is None:
        return None
    if source.media:
        return "a copied message brings its own media, so it can't have others"
    return _problem_with_reference(copied)


def _problem_with_reference(copied: CopiedMessage) -> str | None:
    if not 0 < abs(copied.chat_id) <= _CHAT_ID_MAX:
        return f"{copied.chat_id} can't be the id of a chat to copy from"
    if not 0 < copied.message_id <= _MESSAGE_ID_MAX:
        return f"{copied.message_id} can't be the id of a message to copy"
    return None


def _problem_with_options(source: MessageSource) -> str | None:
    options = source.options
    if options.effect_id is not None and not is_telegram_number(options.effect_id):
        return "its effect_id is none: effects have numbers, such as 5104841245755180586"
    if options.caption_above and not _has_text_to_lift(source):
        return "only the text of photos, videos and animations can stand above them"
    if options.link_preview is None:
        return None
    if source.media or source.copied is not None:
        return "only a text without media has a link preview to be set"
    return _problem_with_link_preview(options.link_preview)


def _has_text_to_lift(source: MessageSource) -> bool:
    if source.copied is not None:
        return bool(source.text)  # without a new text Telegram leaves the copy as it is
    return bool(source.media) and all(medium.kind.is_visual for medium in source.media)


def _problem_with_link_preview(preview: LinkPreview) -> str | None:
    if preview.prefer_small_media and preview.prefer_large_media:
        return "its link preview can't prefer both small and large media"
    if preview.url is None:
        return None
    problem = problem_with_link(preview.url)
    if problem is None and urlsplit(preview.url).scheme not in {"http", "https"}:
        problem = "it must begin with https:// or http://"
    return f"the address of its link preview can't be used: {problem}" if problem else None
