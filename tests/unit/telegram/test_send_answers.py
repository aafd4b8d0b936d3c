"""What each answer of Telegram's means for the message that was sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.messenger.telegram_answers import classify
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId
from skua_core.ports.messenger import (
    Blame,
    Migrated,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
    Unreachable,
)


def refusal(error_code: int, description: str, **parameters: object) -> bytes:
    answer: dict[str, object] = {
        "ok": False,
        "error_code": error_code,
        "description": description,
    }
    if parameters:
        answer["parameters"] = parameters
    return json.dumps(answer).encode()


BLOCKED = [
    (403, "Forbidden: bot was blocked by the user"),
    (403, "Forbidden: bot was kicked from the group chat"),
    (403, "Forbidden: bot was kicked from the supergroup chat"),
    (403, "Forbidden: bot was kicked from the channel chat"),
    (403, "Forbidden: bot is not a member of the group chat"),
    (403, "Forbidden: bot is not a member of the supergroup chat"),
    (403, "Forbidden: bot is not a member of the channel chat"),
    (403, "Forbidden: the group chat was deleted"),
    (400, "Bad Request: USER_IS_BLOCKED"),
    (400, "Bad Request: CHANNEL_PRIVATE"),
]
DEACTIVATED = [
    (403, "Forbidden: user is deactivated"),
    (400, "Bad Request: INPUT_USER_DEACTIVATED"),
]
INVALID = [
    (403, "Forbidden: bot can't initiate conversation with a user"),
    (403, "Forbidden: bot can't send messages to bots"),
    (403, "Forbidden: bots can't send messages to bots"),
    (400, "Bad Request: chat not found"),
    (400, "Bad Request: private chat not found"),
    (400, "Bad Request: user not found"),
    (400, "Bad Request: chat_id is empty"),
    (400, "Bad Request: PEER_ID_INVALID"),
    (400, "Bad Request: CHAT_ID_INVALID"),
    (400, "Bad Request: USER_IS_BOT"),
]
CONTENT = [
    "Bad Request: message is too long",
    "Bad Request: text is too long",
    "Bad Request: message caption is too long",
    "Bad Request: message text is empty",
    "Bad Request: text must be non-empty",
    "Bad Request: text must be encoded in UTF-8",
    "Bad Request: strings must be encoded in UTF-8",
    'Bad Request: can\'t parse entities: unsupported start tag "bx" at byte offset 0',
    "Bad Request: can't parse entities JSON object",
    "Bad Request: can't parse reply keyboard markup JSON object",
    "Bad Request: can't parse inline keyboard button: Text buttons are unallowed",
    "Bad Request: unsupported parse_mode",
    "Bad Request: BUTTON_DATA_INVALID",
    "Bad Request: BUTTON_URL_INVALID",
    "Bad Request: BUTTON_TYPE_INVALID",
    "Bad Request: BUTTON_COPY_TEXT_INVALID",
    "Bad Request: inline keyboard button text must be non-empty",
    "Bad Request: inline keyboard button URL 'x' is invalid: Wrong HTTP URL",
    "Bad Request: reply markup is too long",
    "Bad Request: REPLY_MARKUP_INVALID",
    "Bad Request: object expected as reply markup",
    "Bad Request: ENTITY_BOUNDS_INVALID",
    "Bad Request: ENTITIES_TOO_LONG",
    "Bad Request: MESSAGE_EMPTY",
    "Bad Request: MESSAGE_TOO_LONG",
    "Bad Request: ENTITY_TEXTURL_INVALID",
    "Bad Request: entity URL 'x' is invalid: Wrong HTTP URL",
    "Bad Request: receive an entity with incorrect length 0",
    "Bad Request: MEDIA_CAPTION_TOO_LONG",
    "Bad Request: can't parse InputMedia: media not found",
    "Bad Request: can't parse link preview options: object expected as link preview options",
    "Bad Request: EFFECT_ID_INVALID",
    "Bad Request: message to copy not found",
    "Bad Request: the message can't be copied",
    "Bad Request: MESSAGE_ID_INVALID",
    "Bad Request: there are no messages to send",
    "Bad Request: too many messages to send as an album",
    "Bad Request: document can't be mixed with other media types",
    "Bad Request: can't use the media of the specified type in the album",
    "Bad Request: parameter show_caption_above_media must be the same for all messages",
]
MEDIUM = [
    "Bad Request: wrong file identifier/HTTP URL specified",
    "Bad Request: wrong remote file identifier specified: Wrong string length",
    "Bad Request: remote file identifier must be non-empty",
    "Bad Request: can't use file of type Photo as Video",
    "Bad Request: wrong type of the web page content",
    "Bad Request: wrong HTTP URL specified",
    "Bad Request: invalid file HTTP URL specified: Unsupported URL protocol",
    "Bad Request: failed to get HTTP URL content",
    "Bad Request: can't upload file by URL",
    "Bad Request: there is no photo in the request",
    "Bad Request: file must be non-empty",
    "Bad Request: file is too big",
    "Bad Request: file of size 11 bytes is too big for a photo; the maximum size is 10 bytes",
    "Bad Request: WEBPAGE_MEDIA_EMPTY",
    "Bad Request: WEBPAGE_CURL_FAILED",
    "Bad Request: MEDIA_EMPTY",
    "Bad Request: PHOTO_INVALID_DIMENSIONS",
    "Bad Request: PHOTO_EXT_INVALID",
    "Bad Request: IMAGE_PROCESS_FAILED",
    "Bad Request: VIDEO_CONTENT_TYPE_INVALID",
    "Bad Request: FILE_PARTS_INVALID",
    "Bad Request: FILE_REFERENCE_EXPIRED",
    "Bad Request: DOCUMENT_INVALID",
]
PAYMENT = [
    "Bad Request: BALANCE_TOO_LOW",
    "Bad Request: not enough Stars",
    "Bad Request: not enough Telegram Stars on the balance",
    "Bad Request: paid broadcasts are not allowed for this bot",
    "Bad Request: PAID_BROADCAST_FORBIDDEN",
]
OTHER = [
    (400, "Bad Request: not enough rights to send text messages to the chat"),
    (400, "Bad Request: have no rights to send a message"),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
    (400, "Bad Request: CHAT_RESTRICTED"),
    (400, "Bad Request: TOPIC_CLOSED"),
    (400, "Bad Request: message to be replied not found"),
    (400, "Bad Request: CHAT_SEND_MEDIA_FORBIDDEN"),
    (400, "Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN"),
    (400, "Bad Request: not enough rights to send photos to the chat"),
    (400, "Bad Request: VOICE_MESSAGES_FORBIDDEN"),
    (400, "Bad Request: user restricted receiving of voice messages"),
    (400, "Bad Request: can't use message effects in the chat"),
    (400, "Bad Request: ALLOW_PAYMENT_REQUIRED_10"),
    (400, "Bad Request: group chat was upgraded to a supergroup chat"),
    (400, "Bad Request"),
    (400, ""),
    (403, "Forbidden: bot can't send messages to the user"),
    (403, "Forbidden"),
    (405, "Method Not Allowed"),
    (409, "Conflict: terminated by other getUpdates request"),
    (431, "Request Header Fields Too Large"),
]


def test_an_accepted_message_is_sent() -> None:
    answer = {
        "ok": True,
        "result": {
            "message_id": 4711,
            "from": {"id": 42, "is_bot": True, "first_name": "Skua"},
            "chat": {"id": 7, "type": "private"},
            "date": 1_795_449_600,
            "text": "Hello",
        },
    }

    assert classify(200, json.dumps(answer).encode()) == Sent(message_id=4711)


@pytest.mark.parametrize(
    ("reach", "status", "description"),
    [
        *((Reach.BLOCKED, *case) for case in BLOCKED),
        *((Reach.DEACTIVATED, *case) for case in DEACTIVATED),
        *((Reach.INVALID, *case) for case in INVALID),
    ],
)
def test_a_chat_that_telegram_does_not_deliver_to_is_unreachable(
    reach: Reach, status: int, description: str
) -> None:
    outcome = classify(status, refusal(status, description))

    assert outcome == Unreachable(reach=reach, description=description)


@pytest.mark.parametrize(
    ("blame", "description"),
    [
        *((Blame.CONTENT, each) for each in CONTENT),
        *((Blame.MEDIUM, each) for each in MEDIUM),
        *((Blame.PAYMENT, each) for each in PAYMENT),
    ],
)
def test_a_refusal_blames_what_its_words_name(blame: Blame, description: str) -> None:
    outcome = classify(400, refusal(400, description))

    assert outcome == Refused(description=description, blame=blame)


@pytest.mark.parametrize("body", [refusal(413, "Request Entity Too Large"), b"<html>", b""])
def test_what_is_too_large_was_not_accepted_whoever_says_so(body: bytes) -> None:
    outcome = classify(413, body)

    assert outcome == Refused(description="Request Entity Too Large", blame=Blame.MEDIUM)


@pytest.mark.parametrize(("status", "description"), OTHER)
def test_any_other_refusal_blames_nothing_that_all_have_in_common(
    status: int, description: str
) -> None:
    outcome = classify(status, refusal(status, description))

    assert outcome == Refused(description=description, blame=Blame.OTHER)


def test_a_migrated_group_says_its_new_id() -> None:
    body = refusal(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        migrate_to_chat_id=-1_001_234_567_890,
    )

    assert classify(400, body) == Migrated(new_chat_id=ChatId(-1_001_234_567_890))


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (refusal(429, "Too Many Requests: retry after 3", retry_after=3), 3),
        (refusal(429, "Too Many Requests: retry after 3", retry_after=10_072), 10_072),
        (refusal(429, "Too Many Requests: retry after 17"), 17),
        (refusal(429, "TOO MANY REQUESTS: RETRY AFTER 17"), 17),
        (refusal(429, "Too Many Requests: retry after 17", retry_after=None), 17),
        (refusal(429, "Too Many Requests"), 1),
        (refusal(429, ""), 1),
        (refusal(429, "Too Many Requests: retry after 0", retry_after=0), 1),
        (refusal(429, "Too Many Requests: retry after -5", retry_after=-5), 1),
        (refusal(429, "", retry_after=1e200), 366 * 86_400),
        (refusal(429, "Too Many Requests: retry after 999999999"), 366 * 86_400),
    ],
)
def test_throttling_says_how_long_to_wait(body: bytes, seconds: float) -> None:
    assert classify(429, body) == Throttled(retry_after=seconds)


@pytest.mark.parametrize(
    ("status", "description"), [(401, "Unauthorized"), (404, "Not Found"), (404, "")]
)
def test_a_token_that_is_not_known_is_unauthorized(status: int, description: str) -> None:
    assert classify(status, refusal(status, description)) == Unauthorized()


SUCCESS = b'{"ok":true,"result":{"message_id":1}}'
PAGE = b"<html><head><title>502 Bad Gateway</title></head></html>"


@pytest.mark.parametrize(
    "body", [b"", PAGE, SUCCESS, refusal(500, "Internal Server Error: restart")]
)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
def test_after_a_server_error_the_fate_is_unknown(status: int, body: bytes) -> None:
    assert classify(status, body) == Unknown(reason=f"answered {status}", answered=True)


@pytest.mark.parametrize("status", [100, 201, 204, 301, 302, 307, 308, 399, 600, 999])
def test_after_a_redirect_or_an_odd_status_the_fate_is_unknown(status: int) -> None:
    assert classify(status, SUCCESS) == Unknown(reason=f"answered {status}", answered=True)


NOT_TELEGRAMS = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"ok"',
    b"{}",
    PAGE,
    b'{"ok":true,"resu',
    b'{"ok":fal',
    b'{"ok":"true","result":{"message_id":1}}',
    b'{"ok":1,"result":{"message_id":1}}',
    b'{"result":{"message_id":1}}',
    b"\xff\xfe",
    b'{"ok":false,"description":"\xff"}',
    b'{"ok":false,"description":"\\ud800"}',
    b'{"ok":false,"description":7}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    SUCCESS + b"}",
]


@pytest.mark.parametrize("body", NOT_TELEGRAMS)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429])
def test_what_is_not_telegram_s_answer_says_nothing(status: int, body: bytes) -> None:
    outcome = classify(status, body)

    assert outcome == Unknown(
        reason=f"answered {status} with a body that isn't Telegram's", answered=True
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"ok":true}'),
        (200, b'{"ok":true,"result":true}'),
        (200, b'{"ok":true,"result":{}}'),
        (200, b'{"ok":true,"result":{"message_id":"1"}}'),
        (200, b'{"ok":true,"result":{"message_id":0}}'),
        (200, b'{"ok":true,"result":{"message_id":99999999999999999999999}}'),
        (200, b'{"ok":false,"result":{"message_id":1}}'),
        (200, refusal(400, "Bad Request: chat not found")),
        (400, SUCCESS),
        (401, SUCCESS),
        (400, refusal(400, "Bad Request", migrate_to_chat_id=2**60)),
        (429, refusal(429, "Too Many Requests", retry_after="3")),
    ],
)
def test_an_answer_that_contradicts_itself_says_nothing(status: int, body: bytes) -> None:
    assert isinstance(classify(status, body), Unknown)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ENVELOPE = st.fixed_dictionaries(
    {"ok": st.booleans() | JSON},
    optional={
        "error_code": JSON,
        "description": st.text() | JSON,
        "result": st.fixed_dictionaries({}, optional={"message_id": JSON}) | JSON,
        "parameters": st.fixed_dictionaries(
            {}, optional={"retry_after": JSON, "migrate_to_chat_id": JSON}
        )
        | JSON,
    },
)


@given(
    status=st.sampled_from([200, 400, 401, 403, 404, 409, 429, 500]) | st.integers(),
    body=st.binary() | (JSON | ENVELOPE).map(lambda value: json.dumps(value).encode()),
)
def test_every_answer_means_something(status: int, body: bytes) -> None:
    outcome = classify(status, body)

    assert isinstance(outcome, SendOutcome)
    assert isinstance(outcome, Unknown) or 200 <= status < 500
    if isinstance(outcome, Throttled):
        assert 0 < outcome.retry_after <= 366 * 86_400
