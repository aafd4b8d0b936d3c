"""The media that Telegram keeps for a bot, and the ids by which the bot sends them again."""

import base64
import hashlib
import re
from enum import StrEnum

import msgspec

_VERSION_OF_IDS = 4
_KNOWN_VERSIONS = frozenset({2, 3, _VERSION_OF_IDS})
"""A file id ends with one of these bytes."""
_BASE64 = re.compile("[A-Za-z0-9_-]*")
_DIGEST = 32
_PHOTO_SIZES = (("s", 90), ("m", 320), ("x", 800), ("y", 1280), ("w", 2560))
"""A photo is kept once for each of these boxes, by their letters, up to its own size."""


class MediaKind(StrEnum):
    """By the name of the field in a request and in a message."""

    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    DOCUMENT = "document"
    AUDIO = "audio"
    VOICE = "voice"

    @property
    def name_in_refusals(self) -> str:
        return "VoiceNote" if self is MediaKind.VOICE else self.value.capitalize()


_NUMBERS = {
    MediaKind.PHOTO: 2,
    MediaKind.VOICE: 3,
    MediaKind.VIDEO: 4,
    MediaKind.DOCUMENT: 5,
    MediaKind.AUDIO: 9,
    MediaKind.ANIMATION: 10,
}
"""TDLib's, with which an id begins, so that a photo's begins with AgAC as one knows it."""


class PhotoCopy(msgspec.Struct, frozen=True):
    letter: str
    width: int
    height: int
    file_size: int


class MediaFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that Telegram has. The same content is the same file, for every bot."""

    kind: MediaKind
    key: str
    """Of the content: a digest of its bytes or of its address."""
    size: int
    mime_type: str = ""
    file_name: str = ""
    width: int = 0
    height: int = 0
    duration: int = 0
    performer: str = ""
    title: str = ""
    thumbnail_size: tuple[int, int] | None = None

    @property
    def unique_id(self) -> str:
        """The same for every bot; of a photo that of its largest copy."""
        return self.unique_id_of(self.copies[-1].letter if self.copies else "")

    def unique_id_of(self, letter: str) -> str:
        photo = self.kind is MediaKind.PHOTO
        digest = hashlib.blake2b(f"{self.kind}:{self.key}:{letter}".encode(), digest_size=9)
        return _printable(bytes((1 if photo else 2, 0, 3)) + digest.digest())

    def file_id(self, bot_id: int, letter: str = "") -> str:
        """How one bot names it, always the same."""
        text = f"{bot_id}:{self.kind}:{self.key}:{letter}"
        digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST).digest()
        return _printable(bytes((_NUMBERS[self.kind], 0, 2)) + digest + bytes((_VERSION_OF_IDS,)))

    @property
    def copies(self) -> list[PhotoCopy]:
        """Of a photo, from the smallest to the largest; of anything else, none."""
        if self.kind is not MediaKind.PHOTO:
            return []
        copies: list[PhotoCopy] = []
        for letter, box in _PHOTO_SIZES:
            scale = min(1.0, box / max(self.width, self.height))
            width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
            size = max(1, round(self.size * scale * scale))
            copies.append(PhotoCopy(letter, width, height, size))
            if scale == 1.0:
                break
        return copies


class MediaFiles:
    """What one bot may name by file id."""

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self._files: dict[str, MediaFile] = {}

    def add(self, file: MediaFile) -> None:
        for letter in [copy.letter for copy in file.copies] or [""]:
            self._files[file.file_id(self._bot_id, letter)] = file

    def find(self, file_id: str) -> MediaFile | None:
        return self._files.get(file_id)

    def forget(self, file: MediaFile) -> None:
        """As when Telegram has lost it: all its ids are wrong from now on."""
        self._files = {
            file_id: known
            for file_id, known in self._files.items()
            if (known.kind, known.key) != (file.kind, file.key)
        }


def why_no_file_id(text: str) -> str | None:
    """What TDLib says of a text that can't be a file id of any bot; None when it may be one."""
    wrong = "wrong remote file identifier specified: "
    digits = text.rstrip("=")
    if len(digits) % 4 == 1:
        return f"{wrong}Wrong string length"
    if not _BASE64.fullmatch(digits):
        return f"{wrong}Wrong character in the string"
    content = base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
    if _printable(content) != digits:
        return f"{wrong}Wrong padding in the string"
    if not content:
        return "remote file identifier must be non-empty"
    if content[-1] not in _KNOWN_VERSIONS:
        return f"{wrong}can't unserialize it. Wrong last symbol"
    return None


def _printable(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
