"""A token stays in the clear as long as somebody sends with it, and no longer."""

from uuid import UUID

import pytest

from skua_adapters.token_vault.in_memory import InMemoryTokenVault
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.errors import SecretUnreadable
from skua_core.ids import BotId
from skua_core.use_cases.token_in_use import TokenInUse

BOT = BotId(UUID(int=1))
FIRST, SECOND = (BotToken(f"11020154{end}:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawA") for end in "34")


class CountingVault(InMemoryTokenVault):
    def __init__(self) -> None:
        super().__init__()
        self.opened = 0

    def unseal_token(self, bot_id: BotId, sealed: SealedSecret) -> BotToken:
        self.opened += 1
        token = super().unseal_token(bot_id, sealed)
        return BotToken(token.reveal())  # a new one each time, as from any real vault


def test_claims_that_follow_each_other_share_one_opened_token() -> None:
    vault = CountingVault()
    in_use, sealed = TokenInUse(vault, BOT), vault.seal_token(BOT, FIRST)

    held = in_use.open(sealed)

    assert in_use.open(sealed) is held
    assert vault.opened == 1


def test_a_token_that_nobody_sends_with_any_more_is_gone() -> None:
    vault = CountingVault()
    in_use, sealed = TokenInUse(vault, BOT), vault.seal_token(BOT, FIRST)
    in_use.open(sealed)

    assert in_use.open(sealed) == FIRST
    assert vault.opened == 2


def test_another_token_is_opened_even_while_the_former_is_in_use() -> None:
    vault = CountingVault()
    in_use = TokenInUse(vault, BOT)
    former = in_use.open(vault.seal_token(BOT, FIRST))

    assert in_use.open(vault.seal_token(BOT, SECOND)) == SECOND
    assert former == FIRST


def test_a_token_that_can_not_be_opened_is_said_to_be_so() -> None:
    vault = CountingVault()
    sealed = vault.seal_token(BotId(UUID(int=2)), FIRST)

    with pytest.raises(SecretUnreadable):
        TokenInUse(vault, BOT).open(sealed)
