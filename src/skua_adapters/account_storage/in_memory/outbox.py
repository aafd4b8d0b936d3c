"""Letters that have to leave, in memory."""

from collections.abc import Sequence
from datetime import timedelta

from skua_adapters._memory.rows import MailRow
from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_core.domain.letter import QueuedLetter
from skua_core.domain.secret import SealedSecret
from skua_core.ids import MailId
from skua_core.ports.account_storage import Outbox


class InMemoryOutbox(Outbox):
    def __init__(self, transaction: AccountTransaction) -> None:
        self._transaction = transaction
        self._mails = transaction.mails

    async def add(self, mail_id: MailId, sealed: SealedSecret) -> None:
        now = self._transaction.now()
        self._mails.put(mail_id, MailRow(id=mail_id, sealed=sealed, written_at=now, due_at=now))

    async def take(self, *, limit: int, hold: float) -> Sequence[QueuedLetter]:
        now = self._transaction.now()
        due = sorted(
            (mail for mail in self._mails.values() if mail.due_at <= now),
            key=lambda mail: (mail.due_at, mail.id),
        )[:limit]
        for mail in due:
            mail.due_at = now + timedelta(seconds=hold)
            mail.attempts += 1
            self._mails.put(mail.id, mail)
        return [
            QueuedLetter(
                id=mail.id,
                sealed=mail.sealed,
                written_at=mail.written_at,
                attempts=mail.attempts,
            )
            for mail in due
        ]

    async def sent(self, mail_id: MailId) -> None:
        self._mails.delete(mail_id)

    async def postpone(self, mail_id: MailId, *, seconds: float) -> None:
        mail = self._mails.get(mail_id)
        if mail is not None:
            mail.due_at = self._transaction.now() + timedelta(seconds=seconds)
            self._mails.put(mail_id, mail)

    async def give_up(self, mail_id: MailId) -> None:
        self._mails.delete(mail_id)
