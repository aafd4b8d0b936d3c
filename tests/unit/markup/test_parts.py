"""Media, copies and options: which of them Telegram takes, and what goes together."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from skua_core.domain.content import (
    InlineButton,
    LinkPreview,
    MessageSource,
    SendOptions,
    utf16_length,
)
from skua_core.domain.markup.common_subset import understand_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.domain.markup.errors import MessageTooLong
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.errors import MediumUnfit, MessageUnfit
from skua_core.ids import ChatId, MediaId

UPLOAD = MediaId(UUID(int=1))
PHOTO = Medium(MediaKind.PHOTO, file_id="AgACAgIAAxkBAAI")
VIDEO = Medium(MediaKind.VIDEO, url="https://skua.example/a.mp4")
DOCUMENT = Medium(MediaKind.DOCUMENT, upload=UPLOAD)
AUDIO = Medium(MediaKind.AUDIO, upload=UPLOAD)
VOICE = Medium(MediaKind.VOICE, upload=UPLOAD)
ANIMATION = Medium(MediaKind.ANIMATION, upload=UPLOAD)
COPIED = CopiedMessage(ChatId(-1001234567890), 5)
BUTTONS = ((InlineButton("See", url="https://skua.example"),),)


def compile_source(source: MessageSource) -> None:
    compile_message(source, understand_common_subset)


@pytest.mark.parametrize(
    "source",
    [
        *(MessageSource(media=(Medium(kind, upload=UPLOAD),)) for kind in MediaKind),
        *(
            MessageSource("Hi", buttons=BUTTONS, media=(Medium(kind, file_id="A" * 256),))
            for kind in MediaKind
        ),
        MessageSource("Hi", media=(PHOTO, VIDEO) * 5),
        MessageSource(media=(DOCUMENT,) * 2),
        MessageSource("Hi", media=(AUDIO,) * 10),
        MessageSource(copied=COPIED, buttons=BUTTONS),
        MessageSource("Another caption", copied=COPIED, options=SendOptions(caption_above=True)),
        MessageSource(
            "Hi",
            media=(Medium(MediaKind.PHOTO, upload=UPLOAD, spoiler=True), VIDEO),
            options=SendOptions(caption_above=True, protect=True, silent=True),
        ),
        MessageSource(
            "Hi",
            options=SendOptions(
                effect_id="5104841245755180586",
                link_preview=LinkPreview(url="https://skua.example", prefer_large_media=True),
            ),
        ),
    ],
)
def test_what_telegram_takes_is_carried_as_it_is(source: MessageSource) -> None:
    message = compile_message(source, understand_common_subset).skeleton

    assert (message.text, message.buttons) == (source.text, source.buttons)
    assert (message.media, message.copied) == (source.media, source.copied)
    assert message.options == source.options


@pytest.mark.parametrize(
    ("medium", "problem"),
    [
        (Medium(MediaKind.PHOTO), "The photo can't be sent: it needs either"),
        (Medium(MediaKind.PHOTO, file_id="A", upload=UPLOAD), "it needs either"),
        (Medium(MediaKind.PHOTO, file_id=""), "its file_id is none"),
        (Medium(MediaKind.PHOTO, file_id="A" * 257), "its file_id is none"),
        (Medium(MediaKind.PHOTO, file_id="attach://0"), "its file_id is none"),
        (Medium(MediaKind.PHOTO, file_id="https://10.0.0.8/a.jpg"), "its file_id is none"),
        (Medium(MediaKind.PHOTO, file_id="AgAC\n"), "its file_id is none"),
        (Medium(MediaKind.PHOTO, url="http://skua.example/a.jpg"), "must begin with https://"),
        (Medium(MediaKind.PHOTO, url="https://10.0.0.8/a.jpg"), "private or reserved"),
        (Medium(MediaKind.AUDIO, upload=UPLOAD, spoiler=True), "The audio .* as a spoiler"),
        (Medium(MediaKind.VOICE, upload=UPLOAD, spoiler=True), "as a spoiler"),
        (Medium(MediaKind.DOCUMENT, upload=UPLOAD, spoiler=True), "as a spoiler"),
    ],
)
def test_a_medium_that_telegram_would_not_take_is_refused(medium: Medium, problem: str) -> None:
    with pytest.raises(MediumUnfit, match=problem):
        compile_source(MessageSource("Hi", media=(medium,)))


def test_a_medium_of_an_album_is_named_by_its_place() -> None:
    with pytest.raises(MediumUnfit, match=r"Medium 2 \(video\) can't be sent") as caught:
        compile_source(MessageSource(media=(PHOTO, Medium(MediaKind.VIDEO))))

    assert caught.value.what == "Medium 2 (video)"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (MessageSource(media=(PHOTO,) * 11), "2 to 10 media, and this one has 11"),
        (MessageSource(media=(PHOTO,) * 2, buttons=BUTTONS), "an album can't have buttons"),
        (MessageSource(media=(PHOTO, ANIMATION)), "an animation can't be in an album"),
        (MessageSource(media=(ANIMATION,) * 2), "an animation can't be in an album"),
        (MessageSource(media=(VOICE, AUDIO)), "a voice message can't be in an album"),
        (MessageSource(media=(PHOTO, DOCUMENT)), "documents go with documents alone"),
        (MessageSource(media=(AUDIO, VIDEO)), "audio with audio"),
        (MessageSource(media=(AUDIO, DOCUMENT)), "audio with audio"),
        (MessageSource(media=(PHOTO,), copied=COPIED), "brings its own media"),
        (MessageSource(copied=CopiedMessage(ChatId(0), 5)), "0 can't be the id of a chat"),
        (MessageSource(copied=CopiedMessage(ChatId(2**60), 5)), "can't be the id of a chat"),
        (MessageSource(copied=CopiedMessage(ChatId(1), 0)), "0 can't be the id of a message"),
        (MessageSource(copied=CopiedMessage(ChatId(1), 2**31)), "can't be the id of a message"),
        (MessageSource("Hi", options=SendOptions(caption_above=True)), "stand above them"),
        (
            MessageSource("Hi", media=(AUDIO,), options=SendOptions(caption_above=True)),
            "stand above them",
        ),
        (MessageSource(copied=COPIED, options=SendOptions(caption_above=True)), "above them"),
        (MessageSource("Hi", options=SendOptions(effect_id="")), "effects have numbers"),
        (MessageSource("Hi", options=SendOptions(effect_id="fire")), "effects have numbers"),
        (MessageSource("Hi", options=SendOptions(effect_id="9" * 19)), "effects have numbers"),
        (MessageSource("Hi", options=SendOptions(effect_id="²")), "effects have numbers"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(source: MessageSource, problem: str) -> None:
    with pytest.raises(MessageUnfit, match=problem):
        compile_source(source)


@pytest.mark.parametrize(
    ("preview", "problem"),
    [
        (LinkPreview(url="skua.example"), "must begin with"),
        (LinkPreview(url="tg://resolve?domain=skua"), "must begin with"),
        (LinkPreview(prefer_small_media=True, prefer_large_media=True), "both small and large"),
    ],
)
def test_a_link_preview_that_cannot_be_is_refused(preview: LinkPreview, problem: str) -> None:
    with pytest.raises(MessageUnfit, match=problem):
        compile_source(MessageSource("Hi", options=SendOptions(link_preview=preview)))


WITH_CAPTION = [MessageSource(media=(PHOTO,)), MessageSource(copied=COPIED)]


@pytest.mark.parametrize("source", WITH_CAPTION)
def test_only_a_text_has_a_link_preview(source: MessageSource) -> None:
    options = SendOptions(link_preview=LinkPreview(is_disabled=True))

    with pytest.raises(MessageUnfit, match="only a text without media"):
        compile_source(replace(source, options=options))


@pytest.mark.parametrize("source", WITH_CAPTION)
@pytest.mark.parametrize("filler", ["x", "é", "😀"])
def test_a_caption_may_have_1024_units_and_no_more(filler: str, source: MessageSource) -> None:
    fits = filler * (1024 // utf16_length(filler))

    compile_source(replace(source, text=f" <b>{fits}</b>\n"))
    with pytest.raises(MessageTooLong, match="The text below a medium has 1025") as caught:
        compile_source(replace(source, text=fits + "é"))
    assert (caught.value.length, caught.value.limit) == (1025, 1024)
