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
_LONGEST_DURATION = 24 * 60 * 60
_LONGEST_SIDE = 10_000
_CAN_BE_COVERED = frozenset({MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.ANIMATION})
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
    details = details_of(parameters, as_document=parameters.flag("disable_content_type_detection"))
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
    content = media_message(
        world,
        bot,
        file,
        caption=finished,
        above=parameters.flag("show_caption_above_media"),
        spoiler=parameters.flag("has_spoiler"),
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
    content = media_content(bot.id, file) | captioned(world, caption)
    if file.kind in _CAN_BE_COVERED:
        looks = {"show_caption_above_media": above, "has_media_spoiler": spoiler}
        content |= {name: True for name, wanted in looks.items() if wanted}
    return content


def captioned(world: World, caption: FormattedText) -> dict[str, Any]:
    if not caption.text:
        return {}
    entities = shown_entities(world, "caption_entities", caption.entities)
    return {"caption": caption.text} | entities


def receipt_of(file: MediaFile, source: MediaSource) -> ReceiptMedia:
    return ReceiptMedia(kind=file.kind, key=file.unique_id, source=source)


def details_of(parameters: Parameters, *, as_document: bool) -> MediaDetails:
    def number(name: str, high: int) -> int:
        return parameters.integer(name, default=0, low=0, high=high)

    thumbnail = parameters.text("thumbnail").removeprefix(ATTACHED)
    return MediaDetails(
        duration=number("duration", _LONGEST_DURATION),
        width=number("width", _LONGEST_SIDE),
        height=number("height", _LONGEST_SIDE),
        performer=parameters.text("performer"),
        title=parameters.text("title"),
        # Only an uploaded one; Telegram ignores any other.
        thumbnail=parameters.uploads.get(thumbnail),
        as_document=as_document,
    )
