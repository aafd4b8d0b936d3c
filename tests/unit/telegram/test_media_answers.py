"""What each answer of Telegram's means for a message with media."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.messenger.telegram_media_answers import classify_album, classify_medium
from skua_core.domain.media import MediaKind
from skua_core.domain.subscriber import Reach
from skua_core.ports.messenger import (
    Blame,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unknown,
    Unreachable,
)

PHOTO, VIDEO, AUDIO = MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.AUDIO
SIZES = [
    {"file_id": "small", "width": 90, "height": 51},
    {"file_id": "large", "width": 1280, "height": 720},
    {"file_id": "medium", "width": 320, "height": 180},
]


def accepted(result: object) -> bytes:
    return json.dumps({"ok": True, "result": result}).encode()


def refusal(description: str, **parameters: Any) -> bytes:
    return json.dumps({"ok": False, "description": description, "parameters": parameters}).encode()


def message(number: int = 7, **fields: Any) -> dict[str, Any]:
    return {"message_id": number, "date": 1_795_449_600, "chat": {"id": 1}, **fields}


def test_a_photo_is_known_by_its_largest_size() -> None:
    assert classify_medium(200, accepted(message(photo=SIZES)), PHOTO) == Sent(7, ("large",))


@pytest.mark.parametrize("kind", [kind for kind in MediaKind if kind is not PHOTO])
def test_any_other_medium_has_one_file_id(kind: MediaKind) -> None:
    fields: dict[str, Any] = {
        kind.value: {"file_id": "own", "thumbnail": {"file_id": "thumb"}},
        "photo": [],
    }

    assert classify_medium(200, accepted(message(**fields)), kind) == Sent(7, ("own",))


@pytest.mark.parametrize(
    ("kind", "fields", "file_id"),
    [
        (VIDEO, {"animation": {"file_id": "a"}, "document": {"file_id": "d"}}, "a"),
        (MediaKind.ANIMATION, {"animation": {"file_id": "a"}, "document": {"file_id": "d"}}, "a"),
        (MediaKind.ANIMATION, {"video": {"file_id": "v"}}, "v"),
        (MediaKind.DOCUMENT, {"animation": {"file_id": "a"}, "document": {"file_id": "d"}}, "d"),
        (MediaKind.VOICE, {"audio": {"file_id": "s"}}, "s"),
        (AUDIO, {"document": {"file_id": "d"}}, "d"),
    ],
)
def test_a_file_that_turned_out_to_be_of_another_kind_is_known_all_the_same(
    kind: MediaKind, fields: dict[str, Any], file_id: str
) -> None:
    assert classify_medium(200, accepted(message(**fields)), kind) == Sent(7, (file_id,))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"photo": []},
        {"photo": None},
        {"photo": [{}]},
        {"photo": [{"file_id": 5}]},
        {"document": {"file_id": "d"}},
        {"photo": [{"file_id": "x", "width": "wide"}]},
    ],
)
def test_a_message_is_sent_whatever_is_said_of_its_file(fields: dict[str, Any]) -> None:
    assert classify_medium(200, accepted(message(**fields)), PHOTO) == Sent(7, (None,))
    assert classify_album(200, accepted([message(**fields)] * 2), (PHOTO, PHOTO)) == Sent(
        7, (None, None)
    )


def test_what_is_no_message_says_nothing() -> None:
    assert isinstance(classify_medium(200, accepted({"photo": SIZES}), PHOTO), Unknown)


def test_a_refused_medium_is_refused_as_any_message() -> None:
    assert classify_medium(
        400, refusal("Bad Request: failed to get HTTP URL content"), PHOTO
    ) == Refused("Bad Request: failed to get HTTP URL content", Blame.MEDIUM)
    assert classify_medium(429, refusal("", retry_after=3), PHOTO) == Throttled(3)


def test_an_album_has_a_file_id_for_each_medium_and_the_first_message_s_id() -> None:
    answer = accepted(
        [
            message(7, photo=SIZES, caption="Hello"),
            message(8, video={"file_id": "film"}),
            message(9, photo=SIZES[:1]),
        ]
    )

    assert classify_album(200, answer, (PHOTO, VIDEO, PHOTO)) == Sent(7, ("large", "film", "small"))


@pytest.mark.parametrize(
    ("messages", "file_ids"), [(1, ("large", None)), (2, ("large",) * 2), (3, ("large",) * 2)]
)
def test_an_album_of_another_length_is_sent_too(
    messages: int, file_ids: tuple[str | None, ...]
) -> None:
    answer = accepted([message(photo=SIZES)] * messages)

    assert classify_album(200, answer, (PHOTO, PHOTO)) == Sent(7, file_ids)


@pytest.mark.parametrize(
    "answer",
    [
        accepted([]),
        accepted({}),
        accepted(message(photo=SIZES)),
        accepted([{}]),
        b'{"ok":false,"result":[{"message_id":1}]}',
        b"<html>",
        b"",
    ],
)
def test_what_is_no_album_says_nothing(answer: bytes) -> None:
    outcome = classify_album(200, answer, (PHOTO, PHOTO))

    assert outcome == Unknown("answered 200 with a body that isn't Telegram's", answered=True)


def test_a_throttled_album_may_have_arrived_in_part_and_says_how_long_to_wait() -> None:
    outcome = classify_album(429, refusal("Too Many Requests", retry_after=9), (PHOTO, PHOTO))

    assert outcome == Unknown("answered 429", answered=True, retry_after=9)


@pytest.mark.parametrize(
    ("inner", "blame"),
    [
        ("WEBPAGE_CURL_FAILED", Blame.MEDIUM),
        ("MEDIA_CAPTION_TOO_LONG", Blame.CONTENT),
        ("Message was not sent", Blame.OTHER),
    ],
)
def test_an_album_of_which_one_failed_may_have_arrived_in_part(inner: str, blame: Blame) -> None:
    words = f'Bad Request: failed to send message #2 with the error message "{inner}"'

    assert classify_album(400, refusal(words), (PHOTO, PHOTO)) == Unknown(
        words, answered=True, refused=Refused(words, blame)
    )


def test_an_album_whose_group_failed_may_have_arrived_in_part() -> None:
    words = "Bad Request: group send failed"

    assert classify_album(400, refusal(words), (PHOTO, PHOTO)) == Unknown(
        words, answered=True, refused=Refused(words, Blame.OTHER)
    )


def test_who_blocked_the_bot_got_nothing_of_an_album() -> None:
    words = 'Forbidden: Failed to send message #1 with the error message "USER_IS_BLOCKED"'

    assert classify_album(403, refusal(words), (PHOTO, PHOTO)) == Unreachable(Reach.BLOCKED, words)


@pytest.mark.parametrize("words", ["Bad Request: too many messages to send as an album"])
def test_an_album_that_was_refused_as_a_whole_is_refused(words: str) -> None:
    assert classify_album(400, refusal(words), (PHOTO,) * 11) == Refused(words, Blame.CONTENT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FILE = st.fixed_dictionaries({}, optional={"file_id": st.text() | JSON}) | JSON
MESSAGE = st.fixed_dictionaries(
    {},
    optional={"message_id": st.integers() | JSON, "photo": st.lists(FILE) | JSON}
    | {kind.value: FILE for kind in MediaKind if kind is not PHOTO},
)


@given(
    status=st.sampled_from([200, 400, 403, 413, 429, 500]),
    body=st.binary() | (MESSAGE | st.lists(MESSAGE) | JSON).map(accepted),
    kinds=st.lists(st.sampled_from(MediaKind), min_size=2, max_size=10),
)
def test_every_answer_means_something(status: int, body: bytes, kinds: list[MediaKind]) -> None:
    for outcome, count in (
        (classify_medium(status, body, kinds[0]), 1),
        (classify_album(status, body, kinds), len(kinds)),
    ):
        assert isinstance(outcome, SendOutcome)
        if isinstance(outcome, Sent):
            assert len(outcome.file_ids) == count
