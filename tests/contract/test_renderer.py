"""What every renderer owes, and what minijinja adds to it."""

from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest
from aiogram.types import MessageEntity as AiogramEntity
from aiogram.utils.text_decorations import TextDecoration, html_decoration, markdown_decoration
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.renderer.in_process import InProcessRenderer
from skua_adapters.renderer.minijinja import MinijinjaRenderer
from skua_core.domain.callbacks import ACTION_MARK
from skua_core.domain.content import (
    ButtonAction,
    CompiledMessage,
    EntityType,
    InlineButton,
    MessageEntity,
    MessageSource,
    ParseMode,
    Personalisation,
    RenderedMessage,
    SendOptions,
)
from skua_core.domain.markup.builder import QUOTES
from skua_core.domain.markup.errors import (
    ButtonInvalid,
    MarkupInvalid,
    MessageEmpty,
    MessageTooLong,
    PlaceholderFailed,
    PlaceholderUnknown,
)
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.errors import MediumUnfit, MessageUnfit, VariantInvalid
from skua_core.ids import ChatId, MediaId
from skua_core.ports.renderer import Renderer
from tests.unit.markup.reading import rendered
from tests.unit.markup.trees import EVERY_KIND, Tree, as_html, trees

ANA = Personalisation("Ana 😀", "de Sá", "ana", "pt", {"city": "Lisboa", "favourite shop": "n° 1"})
NOBODY = Personalisation()
SITE = "https://skua.example"


@pytest.fixture(params=[InProcessRenderer, MinijinjaRenderer])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    make: Callable[[], Renderer] = request.param
    return make()


def text_for(renderer: Renderer, source: str, values: Personalisation = ANA) -> str:
    """Plain text, so that the expression alone decides; in bars, so that blanks stay."""
    compiled = renderer.compile(MessageSource(f"|{source}|", ParseMode.PLAIN))
    return renderer.render(compiled, values).text[1:-1]


@pytest.mark.parametrize(
    ("expression", "ana", "nobody"),
    [
        ("{{ first_name }}", "Ana 😀", ""),
        ("{{first_name}}", "Ana 😀", ""),
        ("{{ last_name }}", "de Sá", ""),
        ("{{ username }}", "ana", ""),
        ("{{ language }}", "pt", ""),
        ("{{ attributes.city }}", "Lisboa", ""),
        ('{{ attributes["favourite shop"] }}', "n° 1", ""),
        ("{{ attributes['city'] }}", "Lisboa", ""),
        ('{{ first_name | default("friend") }}', "Ana 😀", "friend"),
        ("{{ first_name|default('friend')|upper }}", "ANA 😀", "FRIEND"),
        ('{{ last_name | upper | default("x") }}', "DE SÁ", "x"),
        ("{{ attributes.city | lower }}", "lisboa", ""),
        ('{{ "  a  " | trim }}', "a", "a"),
        ('{{ "{{ first_name }}" }}', "{{ first_name }}", "{{ first_name }}"),
        (r'{{ "\"\\\n\"" }}', '"\\\n"', '"\\\n"'),
        ('{{ "}}" | upper }}{{ username }}', "}}ana", "}}"),
    ],
)
def test_the_common_subset_means_the_same_everywhere(
    renderer: Renderer, expression: str, ana: str, nobody: str
) -> None:
    assert text_for(renderer, expression) == ana
    assert text_for(renderer, expression, NOBODY) == nobody


def test_a_value_of_blanks_counts_as_missing(renderer: Renderer) -> None:
    blanks = Personalisation(first_name=" \t ", attributes={"city": ""})

    assert text_for(renderer, '{{ first_name | default("friend") }}', blanks) == "friend"
    assert text_for(renderer, '{{ attributes.city | default("there") }}', blanks) == "there"


def test_values_enter_as_text_and_entities_move_with_them(renderer: Renderer) -> None:
    compiled = renderer.compile(
        MessageSource('Hi <b>{{ first_name }}</b>, <i>{{ attributes.city }}</i> {{ "&lt;" }}')
    )

    message = renderer.render(
        compiled, Personalisation("</b>😀*", attributes={"city": "{{ username }}"})
    )

    assert message.text == "Hi </b>😀*, {{ username }} &lt;"
    assert message.entities == (
        MessageEntity(EntityType.BOLD, 3, 7),
        MessageEntity(EntityType.ITALIC, 12, 14),
    )


def test_blanks_beside_an_empty_value_go_and_entities_move_along(renderer: Renderer) -> None:
    compiled = renderer.compile(
        MessageSource("{{ last_name }} \n<b>Hi</b> <i>you {{ last_name }}</i>{{ last_name }}")
    )

    message = renderer.render(compiled, NOBODY)

    assert message.text == "Hi you"
    assert message.entities == (
        MessageEntity(EntityType.BOLD, 0, 2),
        MessageEntity(EntityType.ITALIC, 3, 3),
    )


def test_an_entity_that_no_value_fills_is_left_out(renderer: Renderer) -> None:
    compiled = renderer.compile(MessageSource("Hi <b>{{ first_name }}</b>!"))

    assert renderer.render(compiled, NOBODY).entities == ()


def test_a_message_without_slots_is_one_object_for_everybody(renderer: Renderer) -> None:
    compiled = renderer.compile(MessageSource("<b>Hello</b>"))

    assert renderer.render(compiled, ANA) is renderer.render(compiled, NOBODY)


def test_a_stored_message_renders_like_the_one_that_was_compiled(renderer: Renderer) -> None:
    buttons = ((InlineButton("Yes", callback_data="yes"),),)
    source = MessageSource(
        '*Hi* _{{ first_name | default("you") }}_', ParseMode.MARKDOWN_V2, buttons
    )
    compiled = renderer.compile(source)

    stored = msgspec.json.decode(msgspec.json.encode(compiled), type=CompiledMessage)

    assert renderer.render(stored, ANA) == renderer.render(compiled, ANA)
    assert renderer.render(stored, ANA).buttons == buttons


def test_a_text_that_was_stored_before_media_were_known_still_renders(renderer: Renderer) -> None:
    stored = (
        b'{"skeleton":{"text":"Hi ","entities":[{"type":"bold","offset":3,"length":0}],'
        b'"buttons":[[{"text":"Go","callback_data":"go"}]]},'
        b'"slots":[{"expression":"first_name","position":3,"required":["first_name"],'
        b'"line":1,"column":4}],"spans":[{"before":0,"inside":1}]}'
    )

    message = renderer.render(msgspec.json.decode(stored, type=CompiledMessage), ANA)

    assert (message.text, message.entities) == (
        "Hi Ana 😀",
        (MessageEntity(EntityType.BOLD, 3, 6),),
    )
    assert message.buttons == ((InlineButton("Go", callback_data="go"),),)
    assert (message.media, message.copied, message.options) == ((), None, SendOptions())


EVERYTHING = MessageSource(
    "<b>Hi {{ first_name }}</b>",
    buttons=((InlineButton("Yes", answer="Thanks", tag="vip"), InlineButton("No", url=SITE)),),
    media=(Medium(MediaKind.PHOTO, upload=MediaId(UUID(int=1)), spoiler=True),),
    options=SendOptions(protect=True, silent=True, effect_id="7", caption_above=True),
    variants={
        "pt-br": MessageSource("Oi {{ first_name }}", copied=CopiedMessage(ChatId(-5), 6)),
        "pt": MessageSource(
            "Olá {{ first_name }}",
            media=(Medium(MediaKind.VIDEO, url=f"{SITE}/a.mp4"), Medium(MediaKind.PHOTO, "AgAC")),
        ),
    },
)


def test_what_a_message_carries_leaves_with_it(renderer: Renderer) -> None:
    compiled = renderer.compile(EVERYTHING)
    compiled = msgspec.json.decode(msgspec.json.encode(compiled), type=CompiledMessage)

    english = renderer.render(compiled, Personalisation("Ana", language="en"))
    portuguese = renderer.render(compiled, Personalisation("Ana", language="pt-PT"))
    brazilian = renderer.render(compiled, Personalisation("Ana", language="pt-BR"))

    assert (english.text, english.media) == ("Hi Ana", EVERYTHING.media)
    assert english.options == EVERYTHING.options
    assert english.buttons == (
        (InlineButton("Yes", callback_data=f"{ACTION_MARK}0"), InlineButton("No", url=SITE)),
    )
    assert compiled.actions == (ButtonAction(answer="Thanks", tag="vip"),)
    assert (portuguese.text, len(portuguese.media), portuguese.buttons) == ("Olá Ana", 2, ())
    assert (brazilian.text, brazilian.copied) == ("Oi Ana", CopiedMessage(ChatId(-5), 6))


def test_a_wording_without_slots_is_one_object_for_all_of_its_language(renderer: Renderer) -> None:
    compiled = renderer.compile(MessageSource("Hello", variants={"pt": MessageSource("Olá")}))

    ben, cleo = Personalisation("Ben", language="pt-br"), Personalisation("Cleo", language="pt")
    assert renderer.render(compiled, ben) is renderer.render(compiled, cleo)
    assert renderer.render(compiled, ben) is not renderer.render(compiled, NOBODY)


@pytest.mark.parametrize(
    "carrying",
    [
        MessageSource(media=(Medium(MediaKind.PHOTO, "AgAC"),)),
        MessageSource(copied=CopiedMessage(ChatId(5), 6)),
    ],
    ids=["photo", "copy"],
)
def test_a_caption_may_be_empty_but_not_too_long(
    renderer: Renderer, carrying: MessageSource
) -> None:
    def render(text: str, values: Personalisation) -> RenderedMessage:
        source = msgspec.structs.replace(carrying, text=text)
        return renderer.render(renderer.compile(source), values)

    blank = render("<b>{{ first_name }}</b> \u200b", NOBODY)

    assert (blank.text, blank.entities) == ("", ())
    assert (blank.media, blank.copied) == (carrying.media, carrying.copied)
    assert render("", ANA).text == ""
    assert render("\u200b", ANA).text == ""
    assert len(render("x" * 1020 + "{{ first_name }}", Personalisation("abcd")).text) == 1024
    with pytest.raises(MessageTooLong) as caught:
        render("x" * 1020 + "{{ first_name }}", Personalisation("😀😀é"))
    assert (caught.value.length, caught.value.limit) == (1025, 1024)


def test_a_mistake_in_a_variant_is_said_with_its_language(renderer: Renderer) -> None:
    wrong = MessageSource("Hello", variants={"pt": MessageSource("Olá\n{{ nome }}")})

    with pytest.raises(VariantInvalid, match=r"'pt': Line 2, column 4: .* `nome`") as caught:
        renderer.compile(wrong)

    assert isinstance(caught.value.__cause__, PlaceholderUnknown)


def test_parts_that_do_not_go_together_are_refused(renderer: Renderer) -> None:
    photo = Medium(MediaKind.PHOTO, "AgAC")

    with pytest.raises(MessageUnfit, match="an album can't have buttons"):
        renderer.compile(
            MessageSource(media=(photo, photo), buttons=((InlineButton("x", url=SITE),),))
        )
    with pytest.raises(MediumUnfit, match="The photo can't be sent"):
        renderer.compile(MessageSource(media=(Medium(MediaKind.PHOTO),)))
    with pytest.raises(MarkupInvalid, match="half a character"):
        renderer.compile(MessageSource("Hi \udce9"))


def test_required_names_what_leaves_a_gap(renderer: Renderer) -> None:
    compiled = renderer.compile(
        MessageSource(
            '{{ first_name }} {{ username | default("x") }} {{ last_name | default("") }} '
            '{{ attributes.city | upper }} {{ "text" }}!'
        )
    )

    assert compiled.required == {"first_name", "attributes.city"}


def test_what_is_wrong_with_a_source_is_said_with_its_place(renderer: Renderer) -> None:
    with pytest.raises(PlaceholderUnknown, match=r"Line 2, column 7: .* `frist_name`") as unknown:
        renderer.compile(MessageSource("Hi\nyou {{frist_name}}"))
    assert unknown.value.name == "frist_name"
    assert unknown.value.known[:2] == ("first_name", "last_name")

    with pytest.raises(MarkupInvalid, match="Line 1, column 4: `<b>` is never closed"):
        renderer.compile(MessageSource("Hi <b>you"))
    with pytest.raises(ButtonInvalid, match="Button 1 of row 1"):
        renderer.compile(MessageSource("Hi", buttons=((InlineButton("x"),),)))


@pytest.mark.parametrize(
    ("expression", "column", "problem"),
    [
        ("{{ }}", 4, "the braces hold nothing"),
        ("{{ “x” }}", 4, "`“` can't stand in a placeholder"),
        ("{{ first_name | default(&quot;x&quot;) }}", 25, "`&` can't stand"),
        ("{{ first_name.upper }}", 14, "`.` can't stand"),
        (r'{{ "\x41" }}', 5, r"`\x` means nothing"),
        ("{{ first_name %}", 1, "never closed"),
        ("{{ " + "first_name |" * 100 + " upper }}", 4, "over 500 characters"),
    ],
)
def test_a_broken_expression_is_shown_at_its_place(
    renderer: Renderer, expression: str, column: int, problem: str
) -> None:
    with pytest.raises(MarkupInvalid) as caught:
        renderer.compile(MessageSource(expression))

    assert problem in caught.value.problem
    assert caught.value.column == column


def test_a_message_can_be_too_long_or_empty_for_one_subscriber(renderer: Renderer) -> None:
    long = renderer.compile(MessageSource("x" * 4090 + "{{ first_name }}"))
    bare = renderer.compile(MessageSource("{{ first_name }}"))

    with pytest.raises(MessageTooLong) as caught:
        renderer.render(long, Personalisation("x" * 7))
    assert (caught.value.length, caught.value.limit) == (4097, 4096)
    with pytest.raises(MessageEmpty):
        renderer.render(bare, NOBODY)
    assert len(renderer.render(long, Personalisation("x" * 6)).text) == 4096


def test_a_message_is_measured_when_it_is_compiled(renderer: Renderer) -> None:
    with pytest.raises(MessageTooLong):
        renderer.compile(MessageSource("x" * 4097 + "{{ first_name }}"))
    with pytest.raises(MessageEmpty):
        renderer.compile(MessageSource("<b> </b>"))


# From here on: what minijinja adds.


@pytest.mark.parametrize(
    ("expression", "ana", "nobody"),
    [
        ('{{ "Sr. " ~ last_name if last_name else "friend" }}', "Sr. de Sá", "friend"),
        ('{{ "olá" if language == "pt" else "hello" }}', "olá", "hello"),
        ('{{ "x" if language in ["pt", "es"] and not username == "bob" else "y" }}', "x", "y"),
        ("{{ first_name[:3] | title }}", "Ana", ""),
        ("{{ first_name[0] }}{{ last_name[0] | upper }}", "AD", ""),
        ('{{ username | capitalize | replace("n", "nn") }}', "Anna", ""),
        ('{{ (first_name or last_name) | default("you") }}', "Ana 😀", "you"),
        ('{{ attributes["favourite shop"] ~ attributes.city }}', "n° 1Lisboa", ""),
        ('{{ "a" ~ "}}" ~ "{{ first_name }}" }}', "a}}{{ first_name }}", "a}}{{ first_name }}"),
        ('{{ (username == "ana") | upper }}', "TRUE", "FALSE"),
        ("{{ 7 }}", "7", "7"),
    ],
)
def test_minijinja_knows_conditions_joins_and_slices(
    expression: str, ana: str, nobody: str
) -> None:
    renderer = MinijinjaRenderer()

    assert text_for(renderer, expression) == ana
    assert text_for(renderer, expression, NOBODY) == nobody
    with pytest.raises(MarkupInvalid, match="more than this installation understands"):
        InProcessRenderer().compile(MessageSource(expression))


@pytest.mark.parametrize(
    "expression",
    [
        "{{ range(100000000) }}",
        "{{ (first_name)() }}",
        "{{ first_name.__class__ }}",
        '{{ attributes.city["__class__"]() }}',
        "{{ attributes }}",
        "{{ attributes.items() }}",
        "{{ first_name * 1000000000 }}",
        '{{ "%1000000000d" | format(1) }}',
        '{{ first_name | attr("__class__") }}',
        "{{ first_name | upper | safe }}",
        "{{ first_name if debug() }}",
        "{{ self }}",
        "{{ loop.index }}",
        "{{ [1] | map(first_name) }}",
        "{{ " + "(" * 300 + "first_name" + ")" * 180 + " }}",
        '{{ first_name | upper("x") }}',
        "{{ first_name | default }}",
        "{{ first_name last_name }}",
        "{{ first_name | }}",
        "{% for x in first_name %}{% endfor %}",
        "{# hidden #}",
    ],
)
def test_attacks_and_nonsense_are_refused_when_compiled(expression: str) -> None:
    with pytest.raises((MarkupInvalid, PlaceholderUnknown)):
        MinijinjaRenderer().compile(MessageSource(expression))


def test_an_expression_that_grows_too_big_for_one_value_ends_at_the_fuel() -> None:
    growing = "{{ first_name" + ' | replace("q", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq")' * 8 + " }}"
    renderer = MinijinjaRenderer()
    compiled = renderer.compile(MessageSource(f"Hi {growing}"))

    assert renderer.render(compiled, ANA).text == "Hi Ana 😀"
    with pytest.raises(PlaceholderFailed, match=r"column 7: .* too long a text"):
        renderer.render(compiled, Personalisation("q" * 64))


def test_a_long_value_is_no_attack() -> None:
    long = Personalisation(attributes={"story": "once upon a time " * 200})
    source = '{{ attributes.story | title | replace("Time", "day") | upper ~ "!" }}'

    assert text_for(MinijinjaRenderer(), source, long).endswith("UPON A DAY !")


def test_a_message_of_another_renderer_fails_with_its_place() -> None:
    compiled = MinijinjaRenderer().compile(MessageSource("Hi\n{{ first_name | title }}"))

    with pytest.raises(PlaceholderFailed, match="Line 2, column 4") as caught:
        InProcessRenderer().render(compiled, ANA)

    assert "more than this installation understands" in caught.value.problem


VALUES = st.text(max_size=8) | st.sampled_from([" ", "ß", "ΑΣ", "ŉ", "\u00a0x\u2003", "\x1c", "İ"])
FILTERS = st.lists(
    st.sampled_from(['default("Né ")', "default('')", "upper", "lower", "trim"]), max_size=4
)


@given(VALUES, FILTERS)
def test_the_fast_path_and_the_engine_agree(value: str, filters: list[str]) -> None:
    """Parentheses are beyond the common subset, so the same expression goes to the engine."""
    renderer = MinijinjaRenderer()
    values = Personalisation(value, attributes={"x": value})
    for name in ("first_name", "attributes.x"):
        tail = "".join(f" | {name}" for name in filters)

        fast = text_for(renderer, f"{{{{ {name}{tail} }}}}", values)
        engine = text_for(renderer, f"{{{{ ({name}){tail} }}}}", values)

        assert fast == engine


# What another library writes.


@given(trees(slots=False))
def test_html_written_by_another_library_reads_back(tree: Tree) -> None:
    assert_reads_back(tree, html_decoration, ParseMode.HTML)


# That library puts line breaks of its own around pre and quotations in Markdown.
@given(trees(EVERY_KIND - QUOTES - {EntityType.PRE}, slots=False))
def test_markdown_written_by_another_library_reads_back(tree: Tree) -> None:
    assert_reads_back(tree, markdown_decoration, ParseMode.MARKDOWN_V2)


def assert_reads_back(tree: Tree, library: TextDecoration, mode: ParseMode) -> None:
    message = rendered(f".{as_html(tree)}.")
    entities = [AiogramEntity(**msgspec.to_builtins(entity)) for entity in message.entities]

    again = rendered(library.unparse(message.text, entities), mode)

    assert again == message
