"""Wordings in other languages: which may be, who gets which, and whose mistake is whose."""

import pytest

from skua_core.domain.callbacks import ACTION_MARK
from skua_core.domain.content import (
    ButtonAction,
    CompiledMessage,
    InlineButton,
    MessageSource,
    Personalisation,
)
from skua_core.domain.markup.common_subset import understand_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.domain.markup.errors import MarkupInvalid, PlaceholderUnknown
from skua_core.domain.markup.filling import SlotFiller
from skua_core.domain.media import MediaKind, Medium
from skua_core.errors import MediumUnfit, MessageUnfit, VariantInvalid


def compile_with(text: str = "Hello", **variants: MessageSource) -> CompiledMessage:
    source = MessageSource(
        text, variants={tag.replace("_", "-"): each for tag, each in variants.items()}
    )
    return compile_message(source, understand_common_subset)


def test_everybody_gets_the_wording_of_their_language() -> None:
    message = compile_with(
        pt=MessageSource("Olá"), PT_BR=MessageSource("Oi"), zh_hans=MessageSource("你好")
    )
    filler = SlotFiller(understand_common_subset)

    texts = {
        language: filler.render(message, Personalisation(language=language)).text
        for language in ("", "en", "pt", "pt-PT", "pt-br", "PT-BR", "zh", "zh-hans")
    }

    assert texts == {
        "": "Hello",
        "en": "Hello",
        "pt": "Olá",
        "pt-PT": "Olá",
        "pt-br": "Oi",
        "PT-BR": "Oi",
        "zh": "Hello",
        "zh-hans": "你好",
    }


def test_a_variant_stands_for_itself() -> None:
    photo = Medium(MediaKind.PHOTO, file_id="AgAC")

    message = compile_with(pt=MessageSource(media=(photo,)))

    assert message.skeleton.media == ()
    assert (message.variants["pt"].skeleton.text, message.variants["pt"].skeleton.media) == (
        "",
        (photo,),
    )


def test_actions_are_numbered_through_all_wordings_in_the_order_of_their_tags() -> None:
    def row(answer: str) -> tuple[tuple[InlineButton, ...], ...]:
        return ((InlineButton("1", answer=answer), InlineButton("2", tag=answer)),)

    source = MessageSource(
        "Hello",
        buttons=row("en"),
        variants={
            "pt": MessageSource("Olá", buttons=row("pt")),
            "DE": MessageSource("Hallo", buttons=row("de")),
        },
    )

    message = compile_message(source, understand_common_subset)

    answers = [action.answer or action.tag for action in message.actions]
    assert answers == ["en", "en", "de", "de", "pt", "pt"]
    assert message.actions[3] == ButtonAction(tag="de")
    numbers = [
        button.callback_data
        for each in (message, message.variants["de"], message.variants["pt"])
        for button in each.skeleton.buttons[0]
    ]
    assert numbers == [f"{ACTION_MARK}{number}" for number in range(6)]


@pytest.mark.parametrize("tag", ["", "p", "pt_br", "pt-", "português", "p1", "pt\n", "a" * 36])
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    source = MessageSource("Hello", variants={tag: MessageSource("Olá")})

    with pytest.raises(VariantInvalid, match="no language tag") as caught:
        compile_message(source, understand_common_subset)

    assert caught.value.language == tag


def test_one_language_has_one_wording() -> None:
    with pytest.raises(VariantInvalid, match="another one for the same language"):
        compile_with(pt=MessageSource("Olá"), PT=MessageSource("Oi"))


def test_a_message_has_at_most_thirty_variants() -> None:
    def source(count: int) -> MessageSource:
        variants = {f"en-{number}": MessageSource("Hi") for number in range(count)}
        return MessageSource("Hi", variants=variants)

    compile_message(source(30), understand_common_subset)
    with pytest.raises(MessageUnfit, match="has 31 wordings in other languages, and 30"):
        compile_message(source(31), understand_common_subset)


def test_a_variant_has_no_variants() -> None:
    nested = MessageSource("Olá", variants={"br": MessageSource("Oi")})

    with pytest.raises(VariantInvalid, match="'pt': it can't have wordings"):
        compile_with(pt=nested)


@pytest.mark.parametrize(
    ("wording", "cause", "said"),
    [
        (
            MessageSource("Olá\n<b>tu"),
            MarkupInvalid,
            "In the wording for 'pt-br': Line 2, column 1: `<b>` is never closed.",
        ),
        (
            MessageSource("Olá {{ nome }}"),
            PlaceholderUnknown,
            "In the wording for 'pt-br': Line 1, column 8: there is no placeholder `nome`.",
        ),
        (
            MessageSource(media=(Medium(MediaKind.PHOTO),)),
            MediumUnfit,
            "In the wording for 'pt-br': The photo can't be sent: ",
        ),
    ],
)
def test_a_mistake_in_a_variant_is_said_with_its_language_and_place(
    wording: MessageSource, cause: type[Exception], said: str
) -> None:
    with pytest.raises(VariantInvalid) as caught:
        compile_with(PT_BR=wording)

    assert str(caught.value).startswith(said)
    assert caught.value.language == "pt-br"
    assert isinstance(caught.value.__cause__, cause)


def test_a_variant_without_a_placeholder_that_the_message_cannot_do_without_is_refused() -> None:
    text = "Your code, {{ first_name | default('friend') }}: {{ attributes.code }}"

    with pytest.raises(VariantInvalid, match=r"'pt': .* lacks \{\{ attributes.code \}\}, which"):
        compile_with(text, pt=MessageSource("O teu código:"))

    kept = 'O teu código: {{ attributes["code"] | default("-") }}'
    assert compile_with(text, pt=MessageSource(kept)).variants["pt"].required == set()
