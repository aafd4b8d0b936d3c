"""The file that a request names: uploaded with it, by URL, or by a file id of the bot."""

import hashlib
from typing import Any

import msgspec

from .internet import Internet, UrlContent, as_fetched
from .links import LinkRefused
from .media_files import MediaFile, MediaKind, why_no_file_id
from .parameters import ATTACHED, Parameters
from .receipts import MediaSource
from .refusals import MediaRefused, bad_request
from .settings import MediaSettings
from .uploads import Upload
from .world import SimulatedBot

_LONGEST_SIDES = 10_000
_STEEPEST_SIDES = 20
_LARGEST_VOICE = 1024 * 1024
"""One that is larger and fetched by URL becomes a document."""
_DEFAULT_MIME = {
    MediaKind.PHOTO: "image/jpeg",
    MediaKind.VIDEO: "video/mp4",
    MediaKind.ANIMATION: "video/mp4",
    MediaKind.DOCUMENT: "application/octet-stream",
    MediaKind.AUDIO: "audio/mpeg",
    MediaKind.VOICE: "audio/ogg",
}
_SOUND = frozenset({"audio/mpeg", "audio/mp4", "audio/x-m4a"})
_TAKEN_AS = {
    MediaKind.VIDEO: frozenset({"video/mp4", "video/quicktime", "video/mpeg", "video/webm"}),
    MediaKind.ANIMATION: frozenset({"image/gif", "video/mp4"}),
    MediaKind.AUDIO: _SOUND,
    MediaKind.VOICE: _SOUND | {"audio/ogg"},
}
"""What isn't of these is sent as a document."""
_FETCHED_AS = {
    MediaKind.PHOTO: frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"}),
    MediaKind.VIDEO: frozenset({"video/mp4"}),
    MediaKind.ANIMATION: frozenset({"image/gif", "video/mp4"}),
    MediaKind.DOCUMENT: frozenset({"application/pdf", "application/zip", "image/gif"}),
    MediaKind.AUDIO: _SOUND,
    MediaKind.VOICE: _SOUND | {"audio/ogg"},
}


class MediaDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller says of a file; Telegram believes it."""

    duration: int = 0
    width: int = 0
    height: int = 0
    performer: str = ""
    title: str = ""
    thumbnail: Upload | None = None
    as_document: bool = False
    """Never look into a document for what else it may be."""


class MediaInput(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked to be sent; exactly one of the three is there."""

    kind: MediaKind
    details: MediaDetails
    upload: Upload | None = None
    url: str = ""
    file_id: str = ""

    @property
    def source(self) -> MediaSource:
        if self.upload is not None:
            return MediaSource.UPLOAD
        return MediaSource.URL if self.url else MediaSource.FILE_ID


def read_media(
    parameters: Parameters, kind: MediaKind, value: str, details: MediaDetails
) -> MediaInput | None:
    """``value`` is a file id, a URL or ``attach://…``. None when there is no file."""
    if value.startswith(ATTACHED):
        upload = parameters.uploads.get(value.removeprefix(ATTACHED))
        return MediaInput(kind=kind, details=details, upload=upload) if upload else None
    if not value:
        return None
    if "." in value:
        return MediaInput(kind=kind, details=details, url=value)
    return MediaInput(kind=kind, details=details, file_id=value)


def check_media(bot: SimulatedBot, media: MediaInput, settings: MediaSettings) -> None:
    """What the Bot API's own server checks. Raises ``Refusal``."""
    if media.upload is not None:
        _check_upload(media.kind, media.upload.size, settings)
    elif media.url:
        try:
            as_fetched(media.url)
        except LinkRefused as problem:
            raise bad_request(f"invalid file HTTP URL specified: {problem}") from problem
    else:
        file = bot.files.find(media.file_id)
        if file is None:
            wrong = why_no_file_id(media.file_id)
            if wrong is not None:
                raise bad_request(wrong)
        elif (file.kind is MediaKind.PHOTO) is not (media.kind is MediaKind.PHOTO):
            raise bad_request(
                f"can't use file of type {file.kind.name_in_refusals} "
                f"as {media.kind.name_in_refusals}"
            )


def take_media(
    bot: SimulatedBot, internet: Internet, media: MediaInput, settings: MediaSettings
) -> MediaFile:
    """The file as Telegram has it now. Raises ``MediaRefused``."""
    if media.upload is not None:
        return _of_upload(media.kind, media.upload, media.details)
    if media.url:
        url = as_fetched(media.url)
        return _of_url(media.kind, url, internet.fetch(url), media.details, settings)
    file = bot.files.find(media.file_id)
    if file is None:
        raise MediaRefused("MEDIA_EMPTY")
    # A video sent as an audio stays the video that it is.
    return file


def _check_upload(kind: MediaKind, size: int, settings: MediaSettings) -> None:
    if not size:
        raise bad_request("file must be non-empty")
    if kind is MediaKind.PHOTO and size > settings.largest_photo:
        raise bad_request(
            f"file of size {size} bytes is too big for a photo; "
            f"the maximum size is {settings.largest_photo} bytes"
        )


def _of_upload(asked: MediaKind, upload: Upload, details: MediaDetails) -> MediaFile:
    image_size = upload.image_size
    if asked is MediaKind.PHOTO:
        return _photo(upload.digest, upload.size, upload.mime_type, image_size)
    kind = _kind_sent(asked, upload.mime_type, details)
    width, height = image_size or (0, 0)
    return _file(
        kind,
        details,
        key=upload.digest,
        size=upload.size,
        mime_type=upload.mime_type,
        file_name=upload.file_name,
        width=width,
        height=height,
    )


def _of_url(
    asked: MediaKind, url: str, content: UrlContent, details: MediaDetails, settings: MediaSettings
) -> MediaFile:
    photo = asked is MediaKind.PHOTO
    largest = settings.largest_fetched_photo if photo else settings.largest_fetched
    if content.gone or content.size > largest:
        raise MediaRefused("WEBPAGE_CURL_FAILED")
    if content.mime_type not in _FETCHED_AS[asked] or not content.size:
        raise MediaRefused("WEBPAGE_MEDIA_EMPTY")
    key = hashlib.sha256(url.encode()).hexdigest()
    if photo:
        return _photo(key, content.size, content.mime_type, (content.width, content.height))
    kind = _kind_sent(asked, content.mime_type, details)
    if kind is MediaKind.VOICE and content.size > _LARGEST_VOICE:
        kind = MediaKind.DOCUMENT
    return _file(
        kind,
        details,
        key=key,
        size=content.size,
        mime_type=content.mime_type,
        file_name=url.partition("?")[0].rpartition("/")[2],
        width=content.width,
        height=content.height,
        duration=content.duration,
    )


def _photo(key: str, size: int, mime_type: str, image_size: tuple[int, int] | None) -> MediaFile:
    if image_size is None:
        raise MediaRefused("IMAGE_PROCESS_FAILED")
    width, height = image_size
    too_steep = max(width, height) > _STEEPEST_SIDES * min(width, height)
    if width + height > _LONGEST_SIDES or too_steep:
        raise MediaRefused("PHOTO_INVALID_DIMENSIONS")
    return MediaFile(
        kind=MediaKind.PHOTO, key=key, size=size, mime_type=mime_type, width=width, height=height
    )


def _kind_sent(asked: MediaKind, mime_type: str, details: MediaDetails) -> MediaKind:
    """What a file that may not be what it was sent as becomes; the benefit of doubt is given."""
    if asked is MediaKind.DOCUMENT:
        moving = mime_type == "image/gif" and not details.as_document
        return MediaKind.ANIMATION if moving else MediaKind.DOCUMENT
    if asked is MediaKind.VIDEO and mime_type == "image/gif":
        return MediaKind.ANIMATION
    return asked if not mime_type or mime_type in _TAKEN_AS[asked] else MediaKind.DOCUMENT


def _file(kind: MediaKind, details: MediaDetails, **facts: Any) -> MediaFile:
    """What the caller says of it goes before what is known of it."""
    given = {
        name: getattr(details, name)
        for name in ("duration", "width", "height", "performer", "title")
        if getattr(details, name)
    }
    facts["mime_type"] = facts["mime_type"] or _DEFAULT_MIME[kind]
    thumbnail = details.thumbnail.image_size if details.thumbnail else None
    return MediaFile(kind=kind, thumbnail_size=thumbnail, **(facts | given))
