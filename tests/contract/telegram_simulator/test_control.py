"""Other processes play Telegram's people through the simulator's own routes."""

import asyncio
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from skua_adapters.telegram_simulator import TelegramSimulator
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call


class ControlClient:
    def __init__(self, base_url: str, http: aiohttp.ClientSession) -> None:
        self._base = f"{base_url}/simulator"
        self._http = http

    async def __call__(self, verb: str, path: str = "", *, status: int = 200, **body: Any) -> Any:
        async with self._http.request(verb, self._base + path, json=body) as response:
            answer = await response.json()
            assert response.status == status, answer
            return answer


@pytest.fixture
def control(simulator: TelegramSimulator, http: aiohttp.ClientSession) -> ControlClient:
    return ControlClient(simulator.base_url, http)


async def test_a_bot_is_made_rotated_and_revoked(control: ControlClient, call: Call) -> None:
    made = await control("POST", "/bots", token="77:first", username="other_bot")
    assert (made["id"], made["username"]) == (77, "other_bot")
    assert (await call("getMe", "77:first"))["result"] == made

    await control("PUT", "/bots/77/token", token="77:second")
    assert (await call("getMe", "77:first"))["error_code"] == 401
    assert (await call("getMe", "77:second"))["ok"]

    await control("DELETE", "/bots/77/token")
    assert (await call("getMe", "77:second"))["error_code"] == 401


async def test_people_start_write_block_and_leave(control: ControlClient, call: Call) -> None:
    await control("POST", "/users", users=[{"id": 7, "first_name": "Nina"}])
    await control("POST", "/users", first_id=8, count=2)
    await control("POST", "/bots/42/start", user_id=7, payload="ad")
    await control("POST", "/bots/42/text", user_id=8, text="hello")
    await control("POST", "/bots/42/block", user_ids=[8])
    await control("POST", "/bots/42/unblock", user_ids=[8])
    await control("POST", "/users/deactivate", user_ids=[7])

    updates = (await call("getUpdates"))["result"]

    assert [list(update)[1] for update in updates] == [
        "message",
        "message",
        "my_chat_member",
        "my_chat_member",
    ]
    answer = await call("sendMessage", chat_id=7, text="hi")
    assert answer["description"] == "Forbidden: user is deactivated"


async def test_a_button_is_pressed_and_its_answer_seen(control: ControlClient, call: Call) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    await call("sendMessage", chat_id=ANA, text="sure?", reply_markup=keyboard)
    query_id = (await control("POST", "/bots/42/press", user_id=ANA))["callback_query_id"]
    await call("answerCallbackQuery", callback_query_id=query_id, text="Thanks", show_alert=True)

    press = await control("GET", f"/bots/42/press/{query_id}")

    assert press["data"] == "yes"
    assert press["answer"] == {"text": "Thanks", "show_alert": True, "url": ""}


async def test_a_press_carries_the_message_as_it_was_sent(
    control: ControlClient, call: Call
) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await call(
        "sendPhoto",
        chat_id=ANA,
        photo="https://cats.example/1.jpg",
        caption="sure?",
        reply_markup=keyboard,
    )
    await control("POST", "/bots/42/press", user_id=ANA)

    (update,) = (await call("getUpdates"))["result"]

    assert update["callback_query"]["message"] == sent["result"]
    assert {"date", "message_id", "caption", "reply_markup"} <= sent["result"].keys()


async def test_a_button_is_pressed_in_a_group(control: ControlClient, call: Call) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    group = await control("POST", "/bots/42/groups", title="Team", kind="supergroup")
    await call("sendMessage", chat_id=ANA, text="private", reply_markup=keyboard)
    sent = await call("sendMessage", chat_id=group["id"], text="sure?", reply_markup=keyboard)
    await control("POST", "/bots/42/press", user_id=ANA, chat_id=group["id"])

    (update,) = (await call("getUpdates"))["result"]

    assert update["callback_query"]["from"]["id"] == ANA
    assert update["callback_query"]["message"] == sent["result"]


async def test_a_deleted_message_is_copied_and_answered_no_more(
    control: ControlClient, call: Call
) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await call("sendMessage", chat_id=ANA, text="hi", reply_markup=keyboard)
    message_id = sent["result"]["message_id"]
    await control("DELETE", f"/bots/42/chats/{ANA}/messages/{message_id}")

    copy = await call("copyMessage", chat_id=ANA, from_chat_id=ANA, message_id=message_id)
    reply = {"message_id": message_id}
    answer = await call("sendMessage", chat_id=ANA, text="so?", reply_parameters=reply)

    assert copy["description"] == "Bad Request: MESSAGE_ID_INVALID"
    assert answer["description"] == "Bad Request: message to be replied not found"
    await control("POST", "/bots/42/press", user_id=ANA, status=404)


async def test_a_reply_carries_the_whole_message_it_answers(
    control: ControlClient, call: Call
) -> None:
    sent = (await call("sendMessage", chat_id=ANA, text="how are you?"))["result"]
    await control("POST", "/bots/42/reply", user_id=ANA, message_id=sent["message_id"], text="fine")

    (update,) = (await call("getUpdates"))["result"]
    message = update["message"]
    again = await call(
        "sendMessage",
        chat_id=ANA,
        text="good",
        reply_parameters={"message_id": message["message_id"]},
    )

    assert message["text"] == "fine"
    assert message["reply_to_message"] == sent
    shown = again["result"]["reply_to_message"]
    assert (shown["text"], "reply_to_message" in shown) == ("fine", False)


async def test_what_a_chat_holds_can_be_read(control: ControlClient, call: Call) -> None:
    sent = (await call("sendMessage", chat_id=ANA, text="one"))["result"]
    await call("sendMessage", chat_id=ANA + 1, text="elsewhere")
    await control("POST", "/bots/42/text", user_id=ANA, text="two")

    path = f"/bots/42/chats/{ANA}/messages"
    messages = (await control("GET", path))["messages"]

    assert [message["text"] for message in messages] == ["one", "two"]
    assert await control("GET", f"{path}/{sent['message_id']}") == sent


async def test_people_write_in_groups(control: ControlClient, call: Call) -> None:
    group = await control("POST", "/bots/42/groups", title="Team")
    await control("POST", f"/groups/{group['id']}/text", user_id=ANA, text="/start@skua_test_bot")

    (update,) = (await call("getUpdates"))["result"]
    message = update["message"]
    copied = await call(
        "copyMessage", chat_id=ANA, from_chat_id=group["id"], message_id=message["message_id"]
    )

    assert (message["chat"], message["from"]["id"]) == (group, ANA)
    assert copied["ok"]


async def test_urls_hold_what_they_are_said_to(control: ControlClient, call: Call) -> None:
    url = "https://shop.test/cat"
    await control("PUT", "/urls", url=url, mime_type="application/pdf", size=7)
    taken = await call("sendDocument", chat_id=ANA, document=url)
    await control("PUT", "/urls", url=url, gone=True)
    gone = await call("sendDocument", chat_id=ANA, document=url)

    assert taken["result"]["document"]["file_size"] == 7
    assert gone["description"] == "Bad Request: failed to get HTTP URL content"
    assert (await control("GET", "/urls"))["fetches"] == {url: 2}


async def test_a_bot_is_given_files_and_loses_them(control: ControlClient, call: Call) -> None:
    for kind in ("photo", "video", "voice"):
        given = await control("POST", "/bots/42/files", kind=kind)
        sent = await call(f"send{kind}", chat_id=ANA, **{kind: given["file_id"]})
        assert given["file_unique_id"] in str(sent["result"][kind])

    await control("DELETE", f"/bots/42/files/{given['file_id']}")

    lost = await call("sendVoice", chat_id=ANA + 1, voice=given["file_id"])
    assert lost["description"] == "Bad Request: wrong file identifier/HTTP URL specified"


async def test_a_bots_stars_are_given_and_seen(control: ControlClient, call: Call) -> None:
    await control("PUT", "/bots/42/stars", stars=3)

    assert (await call("getMyStarBalance"))["result"] == {"amount": 3}
    assert (await control("GET", "/bots/42"))["stars"] == {"amount": 3}
    assert (await call("sendMessage", chat_id=ANA, text="hi", allow_paid_broadcast=True))["ok"]

    await control("PUT", "/bots/42/stars", stars=3, may_pay=False)
    refused = await call("sendMessage", chat_id=ANA, text="hi", allow_paid_broadcast=True)
    assert refused["description"] == "Bad Request: BALANCE_TOO_LOW"


async def test_thousands_join_at_a_chosen_rate(control: ControlClient, call: Call) -> None:
    await control("POST", "/users", first_id=10_000, count=2000)
    await control("POST", "/bots/42/joins", first_id=10_000, count=2000, rate=4000)

    async with asyncio.timeout(10):
        while True:
            about = await control("GET", "/bots/42")
            if about["joins"]["joined"] == 2000:
                break
            await asyncio.sleep(0.02)

    assert about["joins"] == {"requested": 2000, "joined": 2000}
    assert about["webhook"]["pending_update_count"] == 2000
    assert (await call("sendMessage", chat_id=11_999, text="hi"))["ok"]


async def test_a_million_known_chats_cost_nothing(control: ControlClient, call: Call) -> None:
    await control("POST", "/bots/42/audience", first_id=1_000_000, count=1_000_000)

    assert (await call("sendMessage", chat_id=1_999_999, text="hi"))["ok"]
    assert (await control("GET"))["bots"][0]["started"] == 1_001_000


async def test_groups_are_made_migrated_and_left(control: ControlClient, call: Call) -> None:
    group = await control("POST", "/bots/42/groups", title="Team")
    moved = await control("POST", f"/groups/{group['id']}/migrate")
    answer = await call("sendMessage", chat_id=group["id"], text="hi")
    await control("POST", f"/groups/{moved['migrate_to_chat_id']}/kick", by=ANA)

    assert answer["parameters"] == moved
    kicked = await call("sendMessage", chat_id=moved["migrate_to_chat_id"], text="hi")
    assert kicked["description"] == "Forbidden: bot was kicked from the supergroup chat"


async def test_faults_latency_and_waits_are_set_while_running(
    control: ControlClient, call: Call, simulator: TelegramSimulator
) -> None:
    rule = {"action": "bad_gateway", "when": "after", "times": 1}
    await control("PUT", "/faults", rules=[rule])
    await control("PUT", "/latency", mean=0.01)
    await control("POST", "/bots/42/throttle", retry_after=2)

    (shown,) = (await control("GET", "/faults"))["rules"]
    assert (shown["action"], shown["when"], shown["times"]) == ("bad_gateway", "after", 1)
    assert simulator.latency.settings.mean == 0.01
    await control("PUT", "/faults", rules=[])
    assert (await call("sendMessage", chat_id=ANA, text="hi"))["error_code"] == 429


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("GET", "/bots/1", {}, 404),
        ("GET", "/bots/x", {}, 404),
        ("POST", "/bots", {"token": TOKEN}, 409),
        ("POST", "/bots", {"token": "x"}, 409),
        ("POST", "/bots", {"name": "x"}, 400),
        ("POST", "/bots/42/start", {"user_id": 5}, 404),
        ("POST", "/bots/42/joins", {"first_id": 5, "count": 1}, 404),
        ("POST", "/bots/42/joins", {"first_id": ANA, "count": 0}, 400),
        ("POST", "/bots/42/press", {"user_id": ANA}, 404),
        ("GET", "/bots/42/press/5", {}, 404),
        ("POST", "/bots/42/throttle", {"retry_after": 0}, 400),
        ("POST", "/groups/-7/migrate", {}, 404),
        ("PUT", "/faults", {"rules": [{"action": "explode"}]}, 400),
        ("PUT", "/faults", {"rules": [{"action": "refuse"}]}, 400),
        ("POST", "/bots/42/reply", {"user_id": ANA, "message_id": 9, "text": "x"}, 404),
        ("POST", "/bots/42/reply", {"user_id": ANA, "message_id": 9, "text": ""}, 409),
        ("POST", "/groups/-7/text", {"user_id": ANA, "text": "x"}, 404),
        ("GET", f"/bots/42/chats/{ANA}/messages/9", {}, 404),
        ("DELETE", f"/bots/42/chats/{ANA}/messages/9", {}, 404),
        ("POST", "/bots/42/press", {"user_id": ANA, "chat_id": -7}, 404),
        ("POST", "/bots/42/files", {"kind": "sticker"}, 400),
        ("POST", "/bots/42/files", {"kind": "photo", "width": 0}, 400),
        ("DELETE", "/bots/42/files/nothing", {}, 404),
        ("PUT", "/bots/42/stars", {"stars": -1}, 400),
        ("PUT", "/urls", {"url": "ftp://shop.test/cat"}, 409),
        ("PUT", "/latency", {"mean": -1}, 400),
    ],
)
async def test_what_can_not_be_done_is_said(
    control: ControlClient, verb: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await control(verb, path, status=status, **body)

    assert answer["error"]


async def test_no_token_is_ever_shown(control: ControlClient) -> None:
    shown = str([await control("GET"), await control("GET", f"/bots/{BOT}")])

    assert TOKEN.partition(":")[2] not in shown


async def test_every_route_is_in_the_guide(simulator: TelegramSimulator) -> None:
    guide = Path(__file__).parents[3] / "docs/how-to/telegram-simulator.md"
    described = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /simulator\S*)`", guide.read_text()))
    app = simulator._runner.app
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource and route.resource.canonical.startswith("/simulator")
    }

    assert {route for route in routes if not route.startswith("HEAD")} == described
