"""Mails on the developer's own terminal, where no mail server is set."""

from typing import TextIO

from skua_adapters.mailer.mailboxes import mailbox_of
from skua_core.domain.letter import Mail
from skua_core.errors import MailUnavailable
from skua_core.ids import MailId
from skua_core.ports.mailer import Mailer

_RULE = "-" * 72


class ConsoleMailer(Mailer):
    """Writes the text of each mail, its code included, to a stream that isn't the log's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, mail_id: MailId, mail: Mail) -> None:
        del mail_id  # only mailboxes know a repetition by it
        mailbox_of(mail.to)
        lines = (_RULE, f"Mail to {mail.to}", f"Subject: {mail.subject}", "", mail.text, _RULE)
        try:
            self._stream.write("\n".join(_shown(line) for line in lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise MailUnavailable(
                f"the console can't be written to, {type(error).__name__}"
            ) from None

    async def close(self) -> None:
        """The stream is its owner's."""


def _shown(text: str) -> str:
    """Without what would steer the terminal."""
    return "".join(each for each in text if each.isprintable() or each == "\n")
