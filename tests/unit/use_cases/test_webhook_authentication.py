"""Proof that a webhook call comes from Telegram."""

import msgspec
import pytest

from skua_core.domain.secret import Secret, WebhookSecret
from skua_core.errors import WebhookForbidden
from skua_core.ids import BotId
from skua_core.use_cases.access import BotAccess
from skua_core.use_cases.bots import RemoveToken, RemoveTokenCommand, SetToken, SetTokenCommand
from skua_core.use_cases.intake import AuthenticateWebhook, AuthenticateWebhookQuery
from tests.unit.use_cases.world import TOKEN, World


@pytest.fixture
async def access(world: World) -> BotAccess:
    return await world.add_bot()


async def knock(world: World, public_id: str, tag: str, secret: str | None) -> BotId:
    authenticate = AuthenticateWebhook(
        platform=world.platform, storage=world.storage, vault=world.vault
    )
    return await authenticate(
        AuthenticateWebhookQuery(
            public_id=public_id,
            tag=Secret(tag),
            secret=None if secret is None else WebhookSecret(secret),
        )
    )


def told(world: World) -> tuple[str, str, str]:
    """What Telegram was told: public id, tag, secret."""
    webhook = world.api.webhooks[TOKEN]
    _, public_id, tag = webhook.url.rsplit("/", 2)
    return public_id, tag, webhook.secret.reveal()


@pytest.mark.promise("P14")
async def test_telegram_gets_in_with_tag_and_secret(world: World, access: BotAccess) -> None:
    assert await knock(world, *told(world)) == access.bot_id


@pytest.mark.promise("P14")
async def test_everything_else_gets_the_same_refusal(world: World, access: BotAccess) -> None:
    public_id, tag, secret = told(world)
    terns = await world.add_bot(None, slug="terns")
    wrong: list[tuple[str, str, str | None]] = [
        (public_id, tag, None),
        (public_id, tag, ""),
        (public_id, tag, "x"),
        (public_id, tag, secret[:-1]),
        (public_id, tag, secret + "x"),
        (public_id, tag, "\xe9"),
        (public_id, tag, "\ud800"),
        (public_id, tag, "x" * 10_000),
        (public_id, "", secret),
        (public_id, tag[:-1], secret),
        (public_id, "\xe9" * 22, secret),
        (public_id, "\ud800" * 22, secret),
        (public_id, secret, tag),
        ("", tag, secret),
        ("unknown", tag, secret),
        ("x" * 22, tag, secret),
        ("\0", tag, secret),
        (terns.bot.public_id, tag, secret),
        (terns.bot.public_id, "", ""),
        (terns.bot.public_id, "", None),
    ]

    refusals = set()
    for attempt in wrong:
        with pytest.raises(WebhookForbidden) as caught:
            await knock(world, *attempt)
        refusals.add(str(caught.value))
    assert len(refusals) == 1
    assert await knock(world, public_id, tag, secret) == access.bot_id


def test_neither_tag_nor_secret_shows() -> None:
    query = AuthenticateWebhookQuery(
        public_id="p", tag=Secret("tern"), secret=WebhookSecret("puffin")
    )

    assert "tern" not in repr(query)
    assert "puffin" not in repr(query)
    with pytest.raises(TypeError):
        msgspec.json.encode(query)


async def test_the_tag_of_another_secret_does_not_open(world: World, access: BotAccess) -> None:
    public_id, _, secret = told(world)
    other = world.vault.url_tag(access.bot_id, WebhookSecret("another"))

    with pytest.raises(WebhookForbidden):
        await knock(world, public_id, other, secret)


@pytest.mark.promise("P15")
async def test_after_a_rotation_the_old_address_and_secret_are_refused(
    world: World, access: BotAccess
) -> None:
    old = told(world)
    set_token = SetToken(
        storage=world.storage,
        queue=world.queue,
        route=world.route,
        tell=world.tell_token_changed,
    )

    await set_token(SetTokenCommand(access=access, token=TOKEN))

    with pytest.raises(WebhookForbidden):
        await knock(world, *old)
    assert await knock(world, *told(world)) == access.bot_id


async def test_without_a_token_nobody_gets_in_any_more(world: World, access: BotAccess) -> None:
    door = told(world)
    remove = RemoveToken(storage=world.storage, vault=world.vault, route=world.route)
    await remove(RemoveTokenCommand(access=access))

    with pytest.raises(WebhookForbidden):
        await knock(world, *door)
