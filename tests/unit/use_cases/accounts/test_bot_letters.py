"""Whoever owns a bot is told by mail what was done to it."""

import pytest

from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_core.domain.bot import Bot, TokenState
from skua_core.domain.letter import LetterKind
from skua_core.errors import TokenOfAnotherBot
from skua_core.use_cases.accounts.bot_letters import TellTokenChanged
from skua_core.use_cases.bots import SetToken, SetTokenCommand
from tests.unit.use_cases.accounts.office import EMAIL, SHELL, Office
from tests.unit.use_cases.world import FOREIGN_TOKEN, NEXT_TOKEN


@pytest.fixture
def office() -> Office:
    return Office()


async def change_token(
    office: Office, *, tell: TellTokenChanged | None = None, to: str = "same"
) -> Bot:
    world = office.world
    token = NEXT_TOKEN if to == "same" else FOREIGN_TOKEN
    world.api.add_bot(token)
    (bot,) = await world.platform.list_bots((await world.owner()).id)
    use_case = SetToken(
        storage=world.storage,
        queue=world.queue,
        route=world.route,
        tell=tell or world.tell_token_changed,
    )
    access = await world.enter(bot.slug)
    return (await use_case(SetTokenCommand(access=access, token=token))).bot


async def test_an_owner_with_an_account_is_told_of_another_token(office: Office) -> None:
    await office.world.add_bot()
    await office.user(take_over=SHELL)

    bot = await change_token(office)
    await office.dispatch()

    (mail,) = office.mailer.sent
    assert mail.to == EMAIL
    assert LetterKind.TOKEN_CHANGED.replace("-", " ") in mail.subject.lower()
    for fact in (bot.slug, "192.0.2.7", office.world.clock.now().isoformat()):
        assert fact in mail.text
    assert NEXT_TOKEN.reveal() not in mail.text + mail.html


async def test_a_local_user_has_no_mailbox(office: Office) -> None:
    await office.world.add_bot()

    await change_token(office)

    assert await office.waiting() == 0


async def test_nobody_is_told_of_a_token_that_was_refused(office: Office) -> None:
    await office.world.add_bot()
    await office.user(take_over=SHELL)

    with pytest.raises(TokenOfAnotherBot):
        await change_token(office, to="another")

    assert await office.waiting() == 0


async def test_a_letter_that_cannot_be_written_does_not_undo_the_change(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await office.world.add_bot()
    await office.user(take_over=SHELL)
    accounts = InMemoryAccountStorage(office.world.memory)
    tell = TellTokenChanged(accounts=accounts, letters=office.letters)

    async with accounts.unit():  # who else comes has to wait, and waits in vain
        bot = await change_token(office, tell=tell)

    assert bot.token_state is TokenState.ACTIVE
    assert "Nobody is told" in caplog.text
    assert EMAIL not in caplog.text
