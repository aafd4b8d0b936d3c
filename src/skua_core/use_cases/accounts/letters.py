"""Put letters into the outbox, sealed, and take them out again."""

import msgspec

from skua_core.domain.letter import Letter, QueuedLetter
from skua_core.domain.secret import Secret
from skua_core.ids import MailId
from skua_core.ports.account_storage import AccountUnit
from skua_core.ports.account_vault import AccountPurpose, AccountVault
from skua_core.ports.id_factory import IdFactory


class LetterBox:
    """What is told leaves with the change that it tells of, or not at all."""

    def __init__(self, *, vault: AccountVault, ids: IdFactory) -> None:
        self._vault = vault
        self._ids = ids

    async def post(self, unit: AccountUnit, letter: Letter) -> None:
        mail_id = MailId(self._ids.new())
        written = Secret(msgspec.json.encode(letter).decode())
        await unit.outbox.add(mail_id, self._vault.seal(AccountPurpose.MAIL, mail_id, written))

    def open(self, queued: QueuedLetter) -> Letter:
        """Raises SecretUnreadable."""
        written = self._vault.unseal(AccountPurpose.MAIL, queued.id, queued.sealed)
        return msgspec.json.decode(written.reveal(), type=Letter)
