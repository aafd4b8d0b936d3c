"""Media as the Bot API shows them in a message."""

from typing import Any

from .media_files import MediaFile, MediaKind

_THUMBNAIL_BYTES = 4096
_NO_SIZE = (1280, 720)
"""Of what nobody gave a size."""


def media_content(bot_id: int, file: MediaFile) -> dict[str, Any]:
    """The fields of a message that carry the file."""
    if file.kind is MediaKind.PHOTO:
        return {"photo": _photo_sizes(bot_id, file)}
    shown = _named(bot_id, file) | _facts(file)
    if file.thumbnail_size is not None:
        shown["thumbnail"] = _thumbnail(bot_id, file, file.thumbnail_size)
    content = {file.kind.value: shown}
    if file.kind is MediaKind.ANIMATION:
        hidden = ("width", "height", "duration")
        content["document"] = {name: shown[name] for name in shown if name not in hidden}
    return content


def _photo_sizes(bot_id: int, file: MediaFile) -> list[dict[str, Any]]:
    return [
        {
            "file_id": file.file_id(bot_id, copy.letter),
            "file_unique_id": file.unique_id_of(copy.letter),
            "width": copy.width,
            "height": copy.height,
            "file_size": copy.file_size,
        }
        for copy in file.copies
    ]


def _named(bot_id: int, file: MediaFile) -> dict[str, Any]:
    named: dict[str, Any] = {
        "file_id": file.file_id(bot_id),
        "file_unique_id": file.unique_id,
        "file_size": file.size,
    }
    if file.mime_type:
        named["mime_type"] = file.mime_type
    if file.file_name and file.kind is not MediaKind.VOICE:
        named["file_name"] = file.file_name
    return named


def _facts(file: MediaFile) -> dict[str, Any]:
    match file.kind:
        case MediaKind.VIDEO | MediaKind.ANIMATION:
            width, height = (file.width, file.height) if file.width else _NO_SIZE
            return {"width": width, "height": height, "duration": file.duration}
        case MediaKind.AUDIO:
            said = {"performer": file.performer, "title": file.title}
            return {"duration": file.duration} | {name: text for name, text in said.items() if text}
        case MediaKind.VOICE:
            return {"duration": file.duration}
        case _:
            return {}


def _thumbnail(bot_id: int, file: MediaFile, size: tuple[int, int]) -> dict[str, Any]:
    return {
        "file_id": file.file_id(bot_id, "thumbnail"),
        "file_unique_id": file.unique_id_of("thumbnail"),
        "width": size[0],
        "height": size[1],
        "file_size": _THUMBNAIL_BYTES,
    }
