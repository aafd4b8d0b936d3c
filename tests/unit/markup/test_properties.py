"""What holds for every source and every name, tried on ones that nobody would think of."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.renderer.in_process import InProcessRenderer
from skua_core.domain.content import (
    CompiledMessage,
    MessageSource,
    ParseMode,
    Personalisation,
    RenderedMessage,
)
from skua_core.domain.markup.cleaning import clean
from skua_core.domain.markup.errors import MessageEmpty
from skua_core.errors import SkuaError
from tests.unit.markup.reading import Styled, captioned, compiled, rendered, styled
from tests.unit.markup.trees import Tree, as_html, expected, trees

FRAGMENTS = [
    *("<b>", "</b>", "<i>", "</i>", "<a href='https://a.b'>", "</a>", "<code>", "</code>"),
    *("<pre>", "</pre>", '<code class="language-c">', "<blockquote>", "</blockquote>"),
    *("<span class=tg-spoiler>", "</span>", "<tg-time unix=1>", "&lt;", "&#60;", "&x;", "<", "&"),
    *("*", "_", "__", "~", "||", "`", "```", "[", "](https://a.b)", "![", "](tg://emoji?id=1)"),
    *("\\", ">", "**>", "\n", "\r", "!", ".", "(", ")", "{", "}", "{%", "\0", "\ud800", "😀", " "),
    *("{{ first_name }}", '{{ last_name | default("}} x") }}', "{{", "}}", '"', "a", "я"),
]
WRITINGS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join) | st.text(max_size=30)
NAMES = st.text(max_size=12) | st.sampled_from(
    [
        "</b><i>",
        "*_~`||",
        "{{ username }}",
        "&lt;",
        "<a href='x'>",
        "😀😀",
        "\u202eגבא\u200f",
        "\ud83d",
    ]
)


@given(WRITINGS, st.sampled_from(ParseMode), NAMES)
def test_any_writing_renders_or_is_refused_with_a_reason(
    writing: str, mode: ParseMode, name: str
) -> None:
    try:
        message = rendered(writing, mode, Personalisation(name))
    except SkuaError:
        return

    assert_arrives_as_it_leaves(message)


def assert_arrives_as_it_leaves(message: RenderedMessage) -> None:
    """Nothing in it that Telegram would remove, refuse, or move."""
    assert clean(message.text) == message.text == message.text.strip(" \n") != ""
    styled(message.text, message.entities)  # fails where an entity cuts an emoji in two
    spans = [(entity.offset, entity.offset + entity.length) for entity in message.entities]
    assert all(0 <= start < end <= len(message.text) * 2 for start, end in spans)
    assert spans == sorted(spans, key=lambda span: (span[0], -span[1]))
    assert not [(a, b) for a in spans for b in spans if a[0] < b[0] < a[1] < b[1]]


@given(trees(), NAMES, NAMES)
def test_no_name_breaks_or_injects_markup(tree: Tree, first: str, last: str) -> None:
    values = Personalisation(first, last)

    message = rendered(f"<b>.</b>{as_html(tree)}.", values=values)

    inside = styled(message.text, message.entities)[1:-1]
    assert texts_and_kinds(inside) == texts_and_kinds(expected(tree, values))


@given(trees(), NAMES, NAMES)
def test_blanks_at_the_ends_never_shift_the_formatting(tree: Tree, first: str, last: str) -> None:
    values = Personalisation(first, last)
    try:
        message = rendered(as_html(tree), values=values)
    except MessageEmpty:
        return

    assert_arrives_as_it_leaves(message)
    shape = expected(tree, values)
    shown = [index for index, (char, _) in enumerate(shape) if char not in " \n"]
    assert texts_and_kinds(styled(message.text, message.entities)) == texts_and_kinds(
        shape[shown[0] : shown[-1] + 1]
    )


@given(trees(), NAMES, NAMES)
def test_a_caption_is_rendered_like_a_text_but_may_be_empty(
    tree: Tree, first: str, last: str
) -> None:
    values = Personalisation(first, last)

    message = captioned(as_html(tree), values)

    try:
        text = rendered(as_html(tree), values=values)
    except MessageEmpty:
        assert (message.text, message.entities) == ("", ())
    else:
        assert (message.text, message.entities) == (text.text, text.entities)
        assert_arrives_as_it_leaves(message)


@given(trees(), trees(), trees(), NAMES, st.sampled_from(["pt", "pt-BR", "DE-at", "en", ""]))
def test_no_name_breaks_the_markup_of_any_wording(
    main: Tree, portuguese: Tree, german: Tree, name: str, language: str
) -> None:
    wordings = {"": main, "pt": portuguese, "de": german}
    # With a default nothing is required, so that the wordings may differ in their placeholders.
    written = {
        tag: f".{as_html(tree)}.".replace("_name }}", "_name | default('') }}")
        for tag, tree in wordings.items()
    }
    variants = {tag: MessageSource(text) for tag, text in written.items() if tag}
    renderer = InProcessRenderer()
    values = Personalisation(name, name, language=language)

    message = renderer.render(
        renderer.compile(MessageSource(written[""], variants=variants)), values
    )

    assert_arrives_as_it_leaves(message)
    kept = name if name.strip() else ""
    shape = expected(wordings.get(language.lower()[:2], main), Personalisation(kept, kept))
    assert texts_and_kinds(styled(message.text, message.entities)[1:-1]) == texts_and_kinds(shape)


def texts_and_kinds(characters: Styled) -> Styled:
    """Leaves out which of several direction marks in a row counts; none of them shows."""
    return [("\u200c" if char in "\u200e\u200f" else char, kinds) for char, kinds in characters]


@given(trees())
def test_a_compiled_message_survives_storage(tree: Tree) -> None:
    message = compiled(f".{as_html(tree)}{{{{ username }}}}")

    stored = msgspec.json.decode(msgspec.json.encode(message), type=CompiledMessage)

    assert stored == message
    assert {slot.expression for slot in stored.slots} >= {"username"}
