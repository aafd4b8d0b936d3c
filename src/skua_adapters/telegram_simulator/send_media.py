"""sendPhoto, sendVideo, sendAnimation, sendDocument, sendAudio and sendVoice."""

from typing import Any

from .limits import RateLimits
from .media_files import MediaFile, MediaKind
from .media_input import MediaDetails, check_media, read_media, take_media
from .media_shapes import media_content
from .outgoing import Sent, admit, deliver, pay, read_envelope, shown_entities
from .parameters import ATTACHED, Parameters
from .receipts import MediaSource, ReceiptMedia
from .refusals import MediaRefused, bad_request
from .settings import MediaSettings
from .text import FormattedText, finish_caption, read_caption
from .world import SimulatedBot, World

MEDIA_METHODS = {f"send{kind.value.capitalize()}": kind for kind in MediaKind}
_HIGHEST = {"duration": 24 * 60 * 60, "width": 10_000, "height": 10_000}
_NUMBERS_OF: dict[MediaKind, tuple[str, ...]] = {
    MediaKind.PHOTO: (),
    MediaKind.VIDEO: ("duration", "width", "height"),
    MediaKind.ANIMATION: ("duration", "width", "height"),
    MediaKind.DOCUMENT: (),
    MediaKind.AUDIO: ("duration",),
    MediaKind.VOICE: ("duration",),
}
_WITHOUT_THUMBNAIL = frozenset({MediaKind.PHOTO, MediaKind.VOICE})
CAN_BE_COVERED = frozenset({MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.ANIMATION})
"""Those that a spoiler hides and whose caption may be above them."""


def send_media(
    world: World,
    limits: RateLimits,
    bot: SimulatedBot,
    parameters: Parameters,
    *,
    kind: MediaKind,
    settings: MediaSettings,
) -> Sent:
    """Raises ``Refusal``."""
    as_document = kind is MediaKind.DOCUMENT and parameters.flag("disable_content_type_detection")
    details = details_of(parameters, kind, as_document=as_document)
    media = read_media(parameters, kind, parameters.text(kind.value), details)
    if media is None:
        raise bad_request(f"there is no {kind.value} in the request")
    caption = caption_of(parameters)
    envelope = read_envelope(world, bot, parameters)
    check_media(bot, media, settings)
    finished = finish_caption(caption)
    admit(world, limits, bot, envelope)
    try:
        file = take_media(bot, world.internet, media, settings)
    except MediaRefused as problem:
        raise problem.alone from problem
    stars = pay(limits, bot, envelope)
    covered = kind in CAN_BE_COVERED
    content = media_message(
        world,
        bot,
        file,
        caption=finished,
        above=covered and parameters.flag("show_caption_above_media"),
        spoiler=covered and parameters.flag("has_spoiler"),
    )
    message = deliver(world, bot, envelope, content)
    return Sent(
        answer=message,
        message_ids=(message["message_id"],),
        media=(receipt_of(file, media.source),),
        stars=stars,
    )


def caption_of(parameters: Parameters) -> FormattedText:
    return read_caption(
        parameters.text("caption"),
        parameters.text("parse_mode"),
        parameters.json("caption_entities", refusal="can't parse entities JSON object"),
    )


def media_message(
    world: World,
    bot: SimulatedBot,
    file: MediaFile,
    *,
    caption: FormattedText,
    above: bool,
    spoiler: bool,
) -> dict[str, Any]:
    """What a message with the file holds; from now on the bot may send the file again."""
    bot.files.add(file)
    covered = file.kind in CAN_BE_COVERED
    content = media_content(bot.id, file) | captioned(world, caption, above=above and covered)
    if spoiler and covered:
        content["has_media_spoiler"] = True
    return content


def captioned(world: World, caption: FormattedText, *, above: bool) -> dict[str, Any]:
    """Where a caption would be says nothing when there is none."""
    if not caption.text:
        return {}
    shown = {"caption": caption.text} | shown_entities(world, "caption_entities", caption.entities)
    return shown | ({"show_caption_above_media": True} if above else {})


def receipt_of(file: MediaFile, source: MediaSource) -> ReceiptMedia:
    return ReceiptMedia(kind=file.kind, key=file.unique_id, source=source)


def details_of(parameters: Parameters, kind: MediaKind, *, as_document: bool) -> MediaDetails:
    """What may be said of such a file."""
    thumbnail = None
    if kind not in _WITHOUT_THUMBNAIL:
        # Only an uploaded one; Telegram ignores any other.
        part = parameters.text("thumbnail").removeprefix(ATTACHED)
        thumbnail = parameters.uploads.get(part)
    numbers = {
        name: parameters.integer(name, default=0, low=0, high=_HIGHEST[name])
        for name in _NUMBERS_OF[kind]
    }
    audio = kind is MediaKind.AUDIO
    return MediaDetails(
        duration=numbers.get("duration", 0),
        width=numbers.get("width", 0),
        height=numbers.get("height", 0),
        performer=parameters.text("performer") if audio else "",
        title=parameters.text("title") if audio else "",
        thumbnail=thumbnail,
        as_document=as_document,
    )
