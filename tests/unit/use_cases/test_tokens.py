"""Setting, rotating, losing a token, and repairing what was interrupted on the way."""

import msgspec
import pytest

from skua_core import faults
from skua_core.domain.bot import TokenState, WebhookState
from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.secret import BotToken, WebhookSecret
from skua_core.errors import (
    PublicUrlUnfit,
    TelegramUnavailable,
    TokenOfAnotherBot,
    TokenRefused,
)
from skua_core.faults import Fault, FaultAction, FaultInjected, FaultPlan
from skua_core.ports.repositories import BotSecrets
from skua_core.use_cases.access import BotAccess, bot_entry
from skua_core.use_cases.bots import RemoveToken, RemoveTokenCommand, SetToken, SetTokenCommand
from skua_core.use_cases.broadcasts import SendBroadcast, SendBroadcastCommand
from skua_core.use_cases.tokens import TokenFailedCommand
from skua_core.use_cases.webhooks import (
    Connected,
    RepairWebhook,
    RepairWebhookCommand,
    StoredRoute,
)
from tests.unit.use_cases.world import FOREIGN_TOKEN, NEXT_TOKEN, PUBLIC_URL, TOKEN, World


async def set_token(world: World, access: BotAccess, token: BotToken) -> Connected:
    set_it = SetToken(
        storage=world.storage,
        queue=world.queue,
        route=world.route,
        tell=world.tell_token_changed,
    )
    return await set_it(SetTokenCommand(access=access, token=token))


async def repair(world: World, access: BotAccess) -> Connected:
    repair_it = RepairWebhook(
        storage=world.storage,
        vault=world.vault,
        route=world.route,
        token_failed=world.token_failed,
    )
    return await repair_it(RepairWebhookCommand(bot_id=access.bot_id))


async def is_recognised(world: World, access: BotAccess, secret: WebhookSecret) -> bool:
    known = (await world.secrets(access)).webhook_fingerprint
    return known is not None and world.vault.recognise(access.bot_id, secret, known)


def crash_before_telegram_is_told() -> None:
    point = "token.after_commit_before_set_webhook"
    faults.install(FaultPlan({point: Fault(FaultAction.RAISE)}, seed=1))


# Setting and rotating


async def test_a_token_makes_a_waiting_bot_ready(world: World) -> None:
    access = await world.add_bot(None)

    connected = await set_token(world, access, TOKEN)

    assert connected.webhook_problem is None
    assert connected.bot.closed_gate() is None
    assert connected.bot.webhook_state is WebhookState.SET
    assert await world.actions(access) == ["bot.added", "bot.token_set", "bot.webhook_set"]
    assert world.queue.woken == [access.bot_id]


@pytest.mark.promise("P15")
async def test_rotating_makes_the_old_secret_useless(world: World) -> None:
    access = await world.add_bot()
    old = world.api.webhooks[TOKEN].secret
    world.api.add_bot(NEXT_TOKEN)

    await set_token(world, access, NEXT_TOKEN)

    assert not await is_recognised(world, access, old)
    assert await is_recognised(world, access, world.api.webhooks[NEXT_TOKEN].secret)


@pytest.mark.promise("P15")
async def test_the_old_secret_is_useless_from_the_commit_on(world: World) -> None:
    access = await world.add_bot()
    old = world.api.webhooks[TOKEN].secret
    world.api.add_bot(NEXT_TOKEN)
    crash_before_telegram_is_told()

    with pytest.raises(FaultInjected):
        await set_token(world, access, NEXT_TOKEN)

    assert not await is_recognised(world, access, old)
    assert (await world.bot(access)).webhook_state is WebhookState.PENDING


async def test_another_bots_token_is_refused_and_changes_nothing(world: World) -> None:
    access = await world.add_bot()
    before = await world.secrets(access)
    world.api.add_bot(FOREIGN_TOKEN)

    with pytest.raises(TokenOfAnotherBot):
        await set_token(world, access, FOREIGN_TOKEN)

    assert await world.secrets(access) == before
    assert FOREIGN_TOKEN not in world.api.webhooks


async def test_another_bots_token_is_refused_also_after_the_token_was_removed(
    world: World,
) -> None:
    access = await world.add_bot()
    remove = RemoveToken(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveTokenCommand(access=access))
    world.api.add_bot(FOREIGN_TOKEN)

    with pytest.raises(TokenOfAnotherBot):
        await set_token(world, access, FOREIGN_TOKEN)


@pytest.mark.parametrize("error", [TokenRefused, TelegramUnavailable])
async def test_a_token_that_telegram_does_not_vouch_for_changes_nothing(
    world: World, error: type[Exception]
) -> None:
    access = await world.add_bot()
    before, actions = await world.secrets(access), await world.actions(access)
    if error is TelegramUnavailable:
        world.api.cut_off()

    with pytest.raises(error):
        await set_token(world, access, NEXT_TOKEN)

    assert await world.secrets(access) == before
    assert await world.actions(access) == actions


async def test_a_url_that_telegram_refuses_is_told_and_the_token_kept(world: World) -> None:
    access = await world.add_bot(None)
    world.route = world.route_for("https://192.168.1.5")

    connected = await set_token(world, access, TOKEN)

    assert isinstance(connected.webhook_problem, PublicUrlUnfit)
    assert connected.bot.closed_gate() is None
    assert (await world.bot(access)).webhook_state is WebhookState.PENDING


async def test_no_lock_is_held_while_telegram_is_told(world: World) -> None:
    access = await world.add_bot()
    world.api.add_bot(NEXT_TOKEN)
    faults.install(
        FaultPlan(
            {
                "token.after_commit_before_set_webhook": Fault(
                    FaultAction.SLEEP, seconds=world.memory.lock_timeout * 2
                )
            },
            seed=1,
        )
    )

    await set_token(world, access, NEXT_TOKEN)

    assert (await world.bot(access)).webhook_state is WebhookState.SET


# Two at once


async def test_of_two_rotations_at_once_neither_secret_counts_until_a_repair(
    world: World,
) -> None:
    """Whichever of the two setWebhook calls came last at Telegram, the third one is ours."""
    access = await world.add_bot()
    slow = world.route.seal(access.bot_id, TOKEN)
    waiting = msgspec.structs.replace(access.bot, webhook_state=WebhookState.PENDING)
    await set_token(world, access, TOKEN)

    overtaken = await world.route.announce(waiting, slow, access.actor)

    assert overtaken.bot.webhook_state is WebhookState.PENDING
    assert (await world.secrets(access)).webhook_fingerprint is None
    assert (await repair(world, access)).bot.webhook_state is WebhookState.SET
    assert await is_recognised(world, access, world.api.webhooks[TOKEN].secret)


async def test_a_late_answer_does_not_bring_a_removed_token_back(world: World) -> None:
    access = await world.add_bot()
    slow = world.route.seal(access.bot_id, TOKEN)
    remove = RemoveToken(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveTokenCommand(access=access))

    await world.route.announce(access.bot, slow, access.actor)

    bot = await world.bot(access)
    assert (bot.token_state, bot.webhook_state) == (TokenState.MISSING, WebhookState.NONE)
    assert await world.secrets(access) == BotSecrets()


# Repair


async def test_a_repair_finishes_what_a_crash_interrupted(world: World) -> None:
    access = await world.add_bot(None)
    crash_before_telegram_is_told()
    with pytest.raises(FaultInjected):
        await set_token(world, access, TOKEN)
    faults.install(None)
    assert await world.platform.webhooks_to_repair(public=True) == [access.bot_id]

    repaired = await repair(world, access)

    assert repaired.bot.webhook_state is WebhookState.SET
    assert await is_recognised(world, access, world.api.webhooks[TOKEN].secret)
    assert await world.platform.webhooks_to_repair(public=True) == []
    assert (await world.audit(access))[-1].actor == "system"


async def test_a_repair_changes_nothing_while_telegram_is_away(world: World) -> None:
    access = await world.add_bot(None)
    crash_before_telegram_is_told()
    with pytest.raises(FaultInjected):
        await set_token(world, access, TOKEN)
    before, actions = await world.secrets(access), await world.actions(access)
    world.api.cut_off()

    repaired = await repair(world, access)

    assert isinstance(repaired.webhook_problem, TelegramUnavailable)
    assert await world.secrets(access) == before
    assert await world.actions(access) == actions


async def test_a_repair_that_telegram_refuses_writes_nothing(world: World) -> None:
    access = await world.add_bot()
    actions = await world.actions(access)
    async with world.storage.unit(access.bot_id) as unit:
        bot = await unit.bot.get()
        bot.webhook_state = WebhookState.PENDING
        await unit.bot.save(bot)
        await unit.audit.append(bot_entry(bot.id, access.actor, "broken"))
        await unit.commit()
    world.route = world.route_for("https://192.168.1.5")

    repaired = await repair(world, access)

    assert isinstance(repaired.webhook_problem, PublicUrlUnfit)
    assert await world.actions(access) == [*actions, "bot.broken"]


async def test_a_repair_that_a_rotation_overtakes_leaves_it_to_the_next_repair(
    world: World,
) -> None:
    access = await world.add_bot()
    before = StoredRoute(secrets=await world.secrets(access), state=WebhookState.PENDING)
    fresh = world.route.renew(access.bot_id, TOKEN, sealed=before.secrets)

    finished = await world.route.finish(access.bot_id, fresh, before, access.actor)

    assert finished.webhook_state is WebhookState.PENDING
    assert (await world.secrets(access)).webhook_fingerprint is None


async def test_a_repair_of_what_is_whole_does_nothing(world: World) -> None:
    access = await world.add_bot()
    before = await world.secrets(access)

    repaired = await repair(world, access)

    assert repaired.bot.webhook_state is WebhookState.SET
    assert await world.secrets(access) == before


async def test_a_public_url_that_appears_or_goes_changes_the_way_of_the_updates(
    world: World,
) -> None:
    access = await world.add_bot()

    world.route = world.route_for(None)
    assert await world.platform.webhooks_to_repair(public=False) == [access.bot_id]
    assert (await repair(world, access)).bot.webhook_state is WebhookState.POLLING
    assert world.api.webhooks == {}
    assert (await world.secrets(access)).webhook_fingerprint is None

    world.route = world.route_for(PUBLIC_URL)
    assert await world.platform.webhooks_to_repair(public=True) == [access.bot_id]
    assert (await repair(world, access)).bot.webhook_state is WebhookState.SET
    assert await is_recognised(world, access, world.api.webhooks[TOKEN].secret)


async def test_a_repair_that_meets_a_revoked_token_says_so(world: World) -> None:
    access = await world.add_bot()
    world.route = world.route_for(None)
    world.api.revoke(TOKEN)

    await repair(world, access)

    assert (await world.bot(access)).token_state is TokenState.REVOKED


# Removing


async def test_removing_a_token_closes_the_gate_and_forgets_every_secret(world: World) -> None:
    access = await world.add_bot()
    remove = RemoveToken(storage=world.storage, vault=world.vault, route=world.route)

    removed = await remove(RemoveTokenCommand(access=access))
    again = await remove(RemoveTokenCommand(access=access))

    assert removed.bot.closed_gate() == again.bot.closed_gate() == "no_token"
    assert await world.secrets(access) == BotSecrets()
    assert world.api.webhooks == {}
    assert (await world.actions(access)).count("bot.token_removed") == 1


async def test_a_token_that_was_removed_may_be_used_elsewhere(world: World) -> None:
    first = await world.add_bot()
    remove = RemoveToken(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveTokenCommand(access=first))

    second = await world.add_bot(slug="terns")

    assert second.bot.token_state is TokenState.ACTIVE


async def test_a_token_that_no_key_opens_can_still_be_removed(world: World) -> None:
    access = await world.add_bot()
    remove = RemoveToken(storage=world.storage, vault=World().vault, route=world.route)

    removed = await remove(RemoveTokenCommand(access=access))

    assert removed.bot.token_state is TokenState.MISSING
    assert removed.webhook_problem is not None


# Losing it


async def test_a_revoked_token_closes_the_gate_and_pauses_the_broadcast(world: World) -> None:
    access = await world.add_bot()
    await world.join(access, 1)
    view = await world.compose(access)
    send = SendBroadcast(storage=world.storage, queue=world.queue, clock=world.clock, ids=world.ids)
    broadcast = await send(SendBroadcastCommand(access=access, campaign_id=view.campaign.id))
    sealed = (await world.secrets(access)).sealed_token
    assert sealed is not None

    command = TokenFailedCommand(bot_id=access.bot_id, sealed_token=sealed, unreadable=False)
    assert await world.token_failed(command)
    assert not await world.token_failed(command)

    assert (await world.bot(access)).closed_gate() == "token_revoked"
    async with world.storage.unit(access.bot_id) as unit:
        paused = await unit.broadcasts.get(broadcast.id)
    assert paused is not None
    assert (paused.status, paused.pause_reason) == (
        BroadcastStatus.PAUSED,
        PauseReason.TOKEN_REVOKED,
    )
    entry = (await world.audit(access))[-1]
    assert (entry.action, entry.actor) == ("bot.token_revoked", "system")


async def test_a_token_that_was_replaced_meanwhile_is_not_blamed(world: World) -> None:
    access = await world.add_bot()
    old = (await world.secrets(access)).sealed_token
    assert old is not None
    world.api.add_bot(NEXT_TOKEN)
    await set_token(world, access, NEXT_TOKEN)

    closed = await world.token_failed(
        TokenFailedCommand(bot_id=access.bot_id, sealed_token=old, unreadable=False)
    )

    assert not closed
    assert (await world.bot(access)).closed_gate() is None


async def test_an_unreadable_token_closes_the_gate_until_it_is_entered_again(
    world: World,
) -> None:
    access = await world.add_bot()
    sealed = (await world.secrets(access)).sealed_token
    assert sealed is not None

    await world.token_failed(
        TokenFailedCommand(bot_id=access.bot_id, sealed_token=sealed, unreadable=True)
    )
    assert (await world.bot(access)).closed_gate() == "token_unreadable"
    await set_token(world, access, TOKEN)

    assert (await world.bot(access)).closed_gate() is None
