"""A mailer that keeps what it is given, and can be made to refuse it."""

from skua_adapters.mailer.mailboxes import mailbox_of
from skua_core.domain.letter import Mail
from skua_core.errors import MailUnavailable, MailUndeliverable
from skua_core.ids import MailId
from skua_core.ports.mailer import Mailer


class RecordingMailer(Mailer):
    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.ids: list[MailId] = []
        """Of what was sent, in the same order."""
        self._refused: set[str] = set()
        self._cut_off = False

    def refuse(self, address: str) -> None:
        """From now on no mail to this address is taken, ever."""
        self._refused.add(address)

    def cut_off(self) -> None:
        self._cut_off = True

    def restore(self) -> None:
        self._cut_off = False

    async def send(self, mail_id: MailId, mail: Mail) -> None:
        if self._cut_off:
            raise MailUnavailable("the network is cut off")
        if mail.to in self._refused:
            raise MailUndeliverable("550 for the recipient")
        mailbox_of(mail.to)
        self.sent.append(mail)
        self.ids.append(mail_id)

    async def close(self) -> None:
        """Nothing to let go."""
