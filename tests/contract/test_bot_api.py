"""What every BotApi and UpdateSource has to keep."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from skua_adapters.bot_api.fake import FakeBotApi
from skua_adapters.bot_api.telegram import TelegramBotApi
from skua_core.domain.secret import WebhookSecret
from skua_core.domain.update import CallbackPressed, Started
from skua_core.errors import (
    PublicUrlUnfit,
    TelegramUnavailable,
    TokenRefused,
    UpdatesTakenElsewhere,
    UpdateUnreadable,
)
from skua_core.ports.bot_api import BotIdentity
from tests.contract.rigs.telegram import ANA, BEN, BOT, SECRET, TOKEN, UNKNOWN_TOKEN
from tests.contract.rigs.telegram_bot_api import (
    USERNAME,
    BotApiRig,
    BotApiWithUpdates,
    fake_bot_api_rig,
    telegram_bot_api_rig,
)

HOOK = WebhookSecret("aWebhookSecretOfFortyThreeCharacters_-_1234")
RIGS: dict[type[BotApiWithUpdates], Callable[[], AbstractAsyncContextManager[BotApiRig]]] = {
    FakeBotApi: fake_bot_api_rig,
    TelegramBotApi: telegram_bot_api_rig,
}
Call = Callable[[BotApiRig], Awaitable[object]]
CALLS: dict[str, Call] = {
    "identify": lambda rig: rig.api.identify(TOKEN),
    "set_webhook": lambda rig: rig.api.set_webhook(TOKEN, rig.fit_url, HOOK),
    "webhook_info": lambda rig: rig.api.webhook_info(TOKEN),
    "remove_webhook": lambda rig: rig.api.remove_webhook(TOKEN),
    "star_balance": lambda rig: rig.api.star_balance(TOKEN),
    "fetch_updates": lambda rig: rig.api.fetch_updates(TOKEN, offset=None, wait=0),
    "answer_callback": lambda rig: rig.api.answer_callback(TOKEN, "77"),
}


@pytest.fixture(params=RIGS, ids=lambda adapter: adapter.__name__)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[BotApiRig]:
    async with RIGS[request.param]() as rig:
        assert type(rig.api) is request.param
        yield rig


@pytest.fixture(params=list(CALLS))
def call(request: pytest.FixtureRequest) -> Call:
    return CALLS[request.param]


async def test_a_token_says_whose_it_is(rig: BotApiRig) -> None:
    identity = await rig.api.identify(TOKEN)

    assert identity == BotIdentity(
        telegram_id=BOT, username=USERNAME, first_name="Skua test bot", is_bot=True
    )


async def test_an_unknown_token_is_refused(rig: BotApiRig) -> None:
    with pytest.raises(TokenRefused):
        await rig.api.identify(UNKNOWN_TOKEN)


async def test_every_call_says_that_a_revoked_token_is_refused(rig: BotApiRig, call: Call) -> None:
    rig.revoke()

    with pytest.raises(TokenRefused):
        await call(rig)


async def test_every_call_says_that_telegram_can_not_be_reached(rig: BotApiRig, call: Call) -> None:
    await rig.cut_off()

    with pytest.raises(TelegramUnavailable):
        await call(rig)


async def test_every_call_says_that_telegram_is_broken(rig: BotApiRig, call: Call) -> None:
    rig.break_down()

    with pytest.raises(TelegramUnavailable):
        await call(rig)


async def test_every_call_says_how_long_telegram_wants_to_be_left_alone(
    rig: BotApiRig, call: Call
) -> None:
    rig.throttle(7)

    with pytest.raises(TelegramUnavailable) as refusal:
        await call(rig)

    assert refusal.value.retry_after == 7


async def test_a_webhook_is_set_with_its_secret(rig: BotApiRig) -> None:
    await rig.api.set_webhook(TOKEN, rig.fit_url, HOOK)

    assert rig.webhook() == (rig.fit_url, HOOK.reveal())
    assert (await rig.api.webhook_info(TOKEN)).url == rig.fit_url


async def test_without_a_webhook_its_url_is_empty(rig: BotApiRig) -> None:
    info = await rig.api.webhook_info(TOKEN)

    assert (info.url, info.pending_updates, info.last_error) == ("", 0, None)


async def test_setting_and_removing_a_webhook_keeps_waiting_updates(rig: BotApiRig) -> None:
    rig.press_start(ANA, "")
    await rig.api.set_webhook(TOKEN, rig.fit_url, HOOK)

    assert (await rig.api.webhook_info(TOKEN)).pending_updates == 1
    await rig.api.remove_webhook(TOKEN)

    assert (await rig.api.webhook_info(TOKEN)).url == ""
    assert len(await rig.api.fetch_updates(TOKEN, offset=None, wait=0)) == 1


async def test_removing_a_webhook_twice_is_harmless(rig: BotApiRig) -> None:
    await rig.api.set_webhook(TOKEN, rig.fit_url, HOOK)

    await rig.api.remove_webhook(TOKEN)
    await rig.api.remove_webhook(TOKEN)


async def test_a_url_that_telegram_refuses_is_unfit(rig: BotApiRig) -> None:
    with pytest.raises(PublicUrlUnfit) as refusal:
        await rig.api.set_webhook(TOKEN, rig.unfit_url, HOOK)

    assert "webhook" in str(refusal.value)
    assert (await rig.api.webhook_info(TOKEN)).url == ""


async def test_a_url_that_no_telegram_would_call_is_unfit(rig: BotApiRig) -> None:
    with pytest.raises(PublicUrlUnfit):
        await rig.api.set_webhook(TOKEN, "https://me:secret@skua.example/tag", HOOK)


async def test_a_bot_has_as_many_stars_as_telegram_says(rig: BotApiRig) -> None:
    assert await rig.api.star_balance(TOKEN) == 0
    rig.give_stars(10_250)

    assert await rig.api.star_balance(TOKEN) == 10_250


async def test_updates_come_oldest_first_and_as_they_were_sent(rig: BotApiRig) -> None:
    ids = [rig.press_start(ANA, payload) for payload in ("one", "two")]

    fetched = await rig.api.fetch_updates(TOKEN, offset=None, wait=0)

    assert [update.update_id for update in fetched] == ids
    read = [rig.api.read_update(update.raw) for update in fetched]
    assert [update.update_id for update in read] == ids
    assert [update.event for update in read] == [Started("one"), Started("two")]
    assert read[0].chat_id == ANA


async def test_updates_come_again_until_a_higher_offset_confirms_them(rig: BotApiRig) -> None:
    first, second = rig.press_start(ANA, "one"), rig.press_start(ANA, "two")
    assert first is not None

    for offset in (None, first):
        again = await rig.api.fetch_updates(TOKEN, offset=offset, wait=0)
        assert [update.update_id for update in again] == [first, second]
    left = await rig.api.fetch_updates(TOKEN, offset=first + 1, wait=0)

    assert [update.update_id for update in left] == [second]
    assert len(await rig.api.fetch_updates(TOKEN, offset=None, wait=0)) == 1


async def test_fetching_waits_for_the_first_update(rig: BotApiRig) -> None:
    fetching = asyncio.create_task(rig.api.fetch_updates(TOKEN, offset=None, wait=10))
    await asyncio.sleep(0.1)
    assert not fetching.done()

    update_id = rig.press_start(ANA, "")

    async with asyncio.timeout(5):
        assert [update.update_id for update in await fetching] == [update_id]


async def test_fetching_waits_no_longer_than_it_was_told(rig: BotApiRig) -> None:
    async with asyncio.timeout(5):
        assert list(await rig.api.fetch_updates(TOKEN, offset=None, wait=1)) == []


async def test_updates_that_go_elsewhere_are_not_fetched(rig: BotApiRig) -> None:
    rig.take_elsewhere()

    with pytest.raises(UpdatesTakenElsewhere):
        await rig.api.fetch_updates(TOKEN, offset=None, wait=0)


async def test_with_a_webhook_set_updates_are_not_fetched(rig: BotApiRig) -> None:
    await rig.api.set_webhook(TOKEN, rig.fit_url, HOOK)

    with pytest.raises(UpdatesTakenElsewhere):
        await rig.api.fetch_updates(TOKEN, offset=None, wait=0)


async def test_a_pressed_button_is_answered_and_answering_twice_is_no_error(rig: BotApiRig) -> None:
    callback_id = await rig.press_button()

    fetched = await rig.api.fetch_updates(TOKEN, offset=None, wait=1)
    pressed = rig.api.read_update(fetched[-1].raw).event
    assert isinstance(pressed, CallbackPressed)
    assert (pressed.callback_id, pressed.data) == (callback_id, "yes")
    await rig.api.answer_callback(TOKEN, callback_id, text="Thanks", alert=True)
    await rig.api.answer_callback(TOKEN, callback_id)


async def test_an_answer_to_a_forgotten_press_is_no_error(rig: BotApiRig) -> None:
    await rig.api.answer_callback(TOKEN, "1")


def test_an_unreadable_update_is_refused_with_its_id(rig: BotApiRig) -> None:
    with pytest.raises(UpdateUnreadable) as refusal:
        rig.api.read_update(b'{"update_id":5,"message":7}')

    assert refusal.value.update_id == 5


async def test_many_tasks_share_a_bot_api(rig: BotApiRig) -> None:
    rig.press_start(BEN, "")

    answers = await asyncio.gather(
        *(rig.api.identify(TOKEN) for _ in range(20)),
        *(rig.api.identify(UNKNOWN_TOKEN) for _ in range(20)),
        return_exceptions=True,
    )

    assert [type(answer) for answer in answers] == [BotIdentity] * 20 + [TokenRefused] * 20


async def test_a_bot_api_shows_no_token(rig: BotApiRig) -> None:
    await rig.api.identify(TOKEN)

    assert SECRET not in repr(rig.api) + repr(vars(rig.api))
