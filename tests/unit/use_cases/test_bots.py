"""Connecting bots and letting them go."""

import re

import pytest

from skua_adapters.bot_api.fake import FakeBotApi
from skua_core.domain.bot import TokenState, WebhookState
from skua_core.domain.secret import BotToken
from skua_core.domain.user import SYSTEM, Actor
from skua_core.errors import (
    BotForbidden,
    BotInUse,
    NameInvalid,
    NotABot,
    SlugInvalid,
    TelegramUnavailable,
    TokenRefused,
)
from skua_core.ports.bot_api import BotIdentity
from skua_core.use_cases.access import EnterBot, EnterBotQuery
from skua_core.use_cases.audit import VerifyAudit, VerifyAuditQuery
from skua_core.use_cases.bots import (
    AddBot,
    AddBotCommand,
    ListBots,
    ListBotsQuery,
    RemoveBot,
    RemoveBotCommand,
    SetReadOnly,
    SetReadOnlyCommand,
)
from skua_core.use_cases.webhooks import UpdateRoute
from tests.unit.use_cases.world import FOREIGN_TOKEN, PUBLIC_URL, TOKEN, World, details_of


class ApiOfPeople(FakeBotApi):
    """Says of every token that it belongs to a person."""

    async def identify(self, token: BotToken) -> BotIdentity:
        return BotIdentity(
            telegram_id=token.telegram_id, username="ana", first_name="Ana", is_bot=False
        )


async def nothing_is_stored(world: World) -> bool:
    return not world.memory.bots.rows and not world.memory.audit.rows


async def test_a_bot_with_a_token_is_ready_to_send_and_to_be_called(world: World) -> None:
    access = await world.add_bot()

    bot = await world.bot(access)
    assert re.fullmatch(r"gulls-[a-z2-9]{5}", bot.slug)
    assert (bot.telegram_id, bot.telegram_username) == (TOKEN.telegram_id, "gull_bot")
    assert (bot.token_state, bot.webhook_state) == (TokenState.ACTIVE, WebhookState.SET)
    assert bot.closed_gate() is None
    secrets = await world.secrets(access)
    assert secrets.sealed_token is not None
    assert world.vault.unseal_token(bot.id, secrets.sealed_token) == TOKEN


async def test_telegram_is_told_an_address_and_a_secret_that_only_it_knows(world: World) -> None:
    access = await world.add_bot()

    webhook = world.api.webhooks[TOKEN]
    fingerprint = (await world.secrets(access)).webhook_fingerprint
    assert fingerprint is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", webhook.secret.reveal())
    assert world.vault.recognise(access.bot_id, webhook.secret, fingerprint)
    base, public_id, tag = webhook.url.rsplit("/", 2)
    assert base == f"{PUBLIC_URL}/webhooks/telegram"
    assert public_id == access.bot.public_id
    assert world.vault.recognise_tag(access.bot_id, webhook.secret, tag.encode())


async def test_what_was_done_is_in_the_audit_log_without_any_secret(world: World) -> None:
    access = await world.add_bot()

    entries = await world.audit(access)
    assert [entry.action for entry in entries] == ["bot.added", "bot.webhook_set"]
    assert {(entry.actor, entry.ip, entry.user_agent) for entry in entries} == {
        ("cli:ana", "192.0.2.7", "tests")
    }
    assert details_of(entries[0])["telegram_username"] == "gull_bot"
    shown = repr(entries) + repr(access) + repr(await world.secrets(access))
    for secret in (TOKEN.reveal(), world.api.webhooks[TOKEN].secret.reveal()):
        assert secret not in shown


async def test_a_bot_without_a_token_waits_for_one(world: World) -> None:
    access = await world.add_bot(None)

    bot = await world.bot(access)
    assert (bot.token_state, bot.webhook_state) == (TokenState.MISSING, WebhookState.NONE)
    assert await world.actions(access) == ["bot.added"]
    assert world.api.webhooks == {}


async def test_without_a_public_url_updates_are_fetched(polling_world: World) -> None:
    access = await polling_world.add_bot()

    assert (await polling_world.bot(access)).webhook_state is WebhookState.POLLING
    assert (await polling_world.secrets(access)).webhook_fingerprint is None
    assert polling_world.api.webhooks == {}
    assert await polling_world.actions(access) == ["bot.added", "bot.webhook_polling"]


async def test_two_bots_of_one_wish_have_different_slugs(world: World) -> None:
    first, second = await world.add_bot(None), await world.add_bot(None)

    assert first.bot.slug != second.bot.slug


@pytest.mark.parametrize(
    "slug", ["", "a", "-gulls", "gulls-", "Gulls", "g ulls", "g" * 41, "gülls"]
)
async def test_a_slug_that_cannot_be_one_is_refused(world: World, slug: str) -> None:
    with pytest.raises(SlugInvalid):
        await world.add_bot(slug=slug)

    assert await nothing_is_stored(world)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
async def test_a_name_that_cannot_be_one_is_refused(world: World, name: str) -> None:
    owner = await world.owner()
    add_bot = AddBot(storage=world.storage, clock=world.clock, ids=world.ids, route=world.route)

    with pytest.raises(NameInvalid):
        await add_bot(
            AddBotCommand(
                actor=await world.actor(), owner_id=owner.id, slug="gulls", name=name, token=TOKEN
            )
        )

    assert await nothing_is_stored(world)


async def test_a_token_that_telegram_refuses_stores_nothing(world: World) -> None:
    with pytest.raises(TokenRefused):
        await world.add_bot(FOREIGN_TOKEN)

    assert await nothing_is_stored(world)


async def test_a_token_that_could_not_be_checked_stores_nothing(world: World) -> None:
    world.api.cut_off()

    with pytest.raises(TelegramUnavailable):
        await world.add_bot()

    assert await nothing_is_stored(world)


async def test_a_token_that_belongs_to_no_bot_stores_nothing(world: World) -> None:
    world.route = UpdateRoute(
        storage=world.storage, bot_api=ApiOfPeople(), vault=world.vault, public_url=PUBLIC_URL
    )

    with pytest.raises(NotABot):
        await world.add_bot()

    assert await nothing_is_stored(world)


async def test_a_telegram_bot_is_connected_once(world: World) -> None:
    first = await world.add_bot()
    webhook = world.api.webhooks[TOKEN]

    with pytest.raises(BotInUse):
        await world.add_bot(slug="terns")

    assert list(world.memory.bots.rows) == [first.bot_id]
    assert world.api.webhooks[TOKEN] == webhook


async def test_only_who_may_see_a_bot_enters_it(world: World) -> None:
    access = await world.add_bot()
    enter = EnterBot(platform=world.platform)
    stranger = await world.platform.ensure_user("cli:ben")
    as_stranger = Actor(user_id=stranger.id, name=stranger.login)

    refusals = []
    for slug, actor in [
        (access.bot.slug, as_stranger),
        ("terns-22222", access.actor),
        ("\0", access.actor),
        (access.bot.slug, SYSTEM),
    ]:
        with pytest.raises(BotForbidden) as caught:
            await enter(EnterBotQuery(slug=slug, actor=actor))
        refusals.append(str(caught.value))
    assert len(set(refusals)) == 1


async def test_a_user_lists_their_own_bots(world: World) -> None:
    access = await world.add_bot()
    stranger = await world.platform.ensure_user("cli:ben")
    list_bots = ListBots(platform=world.platform)

    own = await list_bots(ListBotsQuery(user_id=(await world.owner()).id))
    assert [bot.slug for bot in own] == [access.bot.slug]
    assert await list_bots(ListBotsQuery(user_id=stranger.id)) == []


async def test_a_read_only_bot_has_its_gate_closed_until_that_is_lifted(world: World) -> None:
    access = await world.add_bot()
    set_read_only = SetReadOnly(storage=world.storage, queue=world.queue)

    closed = await set_read_only(SetReadOnlyCommand(access=access, read_only=True))
    assert closed.closed_gate() == "read_only"
    await set_read_only(SetReadOnlyCommand(access=access, read_only=True))
    opened = await set_read_only(SetReadOnlyCommand(access=access, read_only=False))

    assert opened.closed_gate() is None
    actions = await world.actions(access)
    assert actions[2:] == ["bot.made_read_only", "bot.made_writable"]
    assert world.queue.woken == [access.bot_id, access.bot_id]


async def test_a_removed_bot_is_gone_with_everything_but_its_audit_chain(world: World) -> None:
    access = await world.add_bot()
    await world.join(access, 1, 2)
    remove = RemoveBot(storage=world.storage, vault=world.vault, route=world.route)

    await remove(RemoveBotCommand(access=access))

    with pytest.raises(BotForbidden):
        await world.enter(access.bot.slug)
    assert await world.subscribers(access) == []
    assert (await world.secrets(access)).sealed_token is None
    assert (await world.actions(access))[-1] == "bot.removed"
    assert await VerifyAudit(storage=world.storage)(VerifyAuditQuery(bot_id=access.bot_id)) == 3
    assert world.api.webhooks == {}


async def test_a_removed_bot_may_be_connected_anew(world: World) -> None:
    access = await world.add_bot()
    remove = RemoveBot(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveBotCommand(access=access))

    again = await world.add_bot()

    assert again.bot_id != access.bot_id


async def test_a_bot_is_removed_also_while_telegram_is_away(world: World) -> None:
    access = await world.add_bot()
    world.api.cut_off()
    remove = RemoveBot(storage=world.storage, vault=world.vault, route=world.route)

    removed = await remove(RemoveBotCommand(access=access))

    assert isinstance(removed.webhook_problem, TelegramUnavailable)
    with pytest.raises(BotForbidden):
        await world.enter(access.bot.slug)
