"""Callback data: it leads back to its delivery, fits, and nobody else's is taken for it."""

from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from skua_core.domain.callbacks import Press, bind, callback_data, read_callback_data
from skua_core.domain.content import CompiledMessage, InlineButton, MessageSource
from skua_core.domain.markup.common_subset import understand_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.ids import SourceId

LONGEST = 64
"""Bytes of callback data (Bot API, InlineKeyboardButton)."""
SOURCE_IDS = st.uuids().map(SourceId)
SOURCE_ID = SourceId(UUID("01a20957-7942-74c9-b7cb-46fb4b81a36c"))


@given(SOURCE_IDS, st.integers(0, 9999))
def test_callback_data_leads_back_and_fits(source_id: SourceId, number: int) -> None:
    data = callback_data(source_id, number)

    assert read_callback_data(data) == Press(source_id, number)
    assert len(data.encode()) <= LONGEST


OWN = callback_data(SOURCE_ID, 3)
PIECES = st.sampled_from(["s.", OWN[2:24], ".", "3", "²", "\x00", "\ud800", "-_-_", "=", "é"])


@given(st.text(max_size=70) | st.lists(PIECES, max_size=6).map("".join))
@example("s." + "A" * 21 + "=.0")
@example("s." + "é" * 22 + ".0")
@example(OWN + "9" * 5)
@example("")
def test_any_callback_data_reads_as_a_press_or_as_nothing(data: str) -> None:
    press = read_callback_data(data)

    assert press is None or (data.startswith("s.") and 0 <= press.number <= 9999)


ANSWERS = st.lists(st.sampled_from(["Thanks", "Later", None]), max_size=8)


@given(SOURCE_IDS, ANSWERS, st.dictionaries(st.sampled_from(["de", "pt", "es-mx"]), ANSWERS))
def test_each_bound_button_leads_to_its_own_action(
    source_id: SourceId, answers: list[str | None], variants: dict[str, list[str | None]]
) -> None:
    """A button without an answer is the operator's own, and stays as it is."""
    written = {"": answers, **variants}
    source = MessageSource(
        "Hi",
        buttons=as_row(answers),
        variants={tag: MessageSource("Hi", buttons=as_row(each)) for tag, each in variants.items()},
    )
    compiled = compile_message(source, understand_common_subset)

    bound = bind(compiled, source_id)

    for tag, each in written.items():
        wording = bound.variants[tag] if tag else bound
        assert read_back(bound, wording, source_id) == each
    assert bind(bound, source_id) == bound


def as_row(answers: list[str | None]) -> tuple[tuple[InlineButton, ...], ...]:
    return (
        tuple(
            InlineButton("x", callback_data="own")
            if answer is None
            else InlineButton("x", answer=answer)
            for answer in answers
        ),
    )


def read_back(
    root: CompiledMessage, wording: CompiledMessage, source_id: SourceId
) -> list[str | None]:
    """The answer that each button leads to."""
    answers: list[str | None] = []
    for button in (button for row in wording.skeleton.buttons for button in row):
        assert button.callback_data is not None
        press = read_callback_data(button.callback_data)
        if press is None:
            assert button.callback_data == "own"
            answers.append(None)
        else:
            assert press.source_id == source_id
            answers.append(root.actions[press.number].answer)
    return answers


def test_a_message_without_actions_is_bound_as_it_is() -> None:
    compiled = compile_message(MessageSource("Hi"), understand_common_subset)

    assert bind(compiled, SOURCE_ID) is compiled
