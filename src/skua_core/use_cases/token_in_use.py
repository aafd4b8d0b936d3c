"""A lane's token in the clear, for as long as a message with it is queued or under way."""

from weakref import ref

from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.ids import BotId
from skua_core.ports.token_vault import TokenVault


class TokenInUse:
    """Opens a token once for all the claims whose messages follow each other.

    Opening one takes as long as sending two messages. It is held by those messages alone: once
    the last of them is answered it is gone, and the next claim opens it anew.
    """

    def __init__(self, vault: TokenVault, bot_id: BotId) -> None:
        self._vault = vault
        self._bot_id = bot_id
        self._sealed: SealedSecret | None = None
        self._held: ref[BotToken] | None = None

    def open(self, sealed: SealedSecret) -> BotToken:
        """Raises SecretUnreadable."""
        token = self._held() if self._held is not None and sealed == self._sealed else None
        if token is None:
            token = self._vault.unseal_token(self._bot_id, sealed)
            self._sealed, self._held = sealed, ref(token)
        return token
