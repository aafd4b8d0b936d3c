"""How mails leave: by the operator's mail server, or onto the developer's own terminal."""

import sys
from collections.abc import AsyncIterator

from dishka import Provider, Scope, provide, provide_all

from skua_adapters.letter_renderer.jinja import JinjaLetterRenderer
from skua_adapters.mailer.console import ConsoleMailer
from skua_adapters.mailer.smtp import SmtpMailer
from skua_app.settings import SettingInvalid, Settings
from skua_core.ports.clock import Clock
from skua_core.ports.letter_renderer import LetterRenderer
from skua_core.ports.mailer import Mailer
from skua_core.use_cases.accounts.bot_letters import TellTokenChanged
from skua_core.use_cases.accounts.dispatch import DispatchMail
from skua_core.use_cases.accounts.letters import LetterBox
from skua_worker.outbox import OutboxLoop

NO_MAIL = (
    "SKUA_SMTP_URL isn't set, so no mail can leave: nobody can register or ask for a new password. "
    "Letters wait for three days."
)


class MailProvider(Provider):
    scope = Scope.APP
    letters = provide_all(LetterBox, DispatchMail, TellTokenChanged)

    @provide
    def renderer(self, settings: Settings) -> LetterRenderer:
        return JinjaLetterRenderer(site=settings.skua_public_url)

    @provide
    def loop(self, dispatch: DispatchMail) -> OutboxLoop:
        return OutboxLoop(dispatch)

    @provide
    async def mailer(self, settings: Settings, clock: Clock) -> AsyncIterator[Mailer]:
        server, sender = settings.skua_smtp_url, settings.skua_mail_from
        if server is None or sender is None:
            raise SettingInvalid("SKUA_SMTP_URL", "it isn't set, and mails leave through it")
        mailer = SmtpMailer(server, sender, clock=clock)
        yield mailer
        await mailer.close()


class ConsoleMailProvider(Provider):
    """Standard output is whoever's who runs the program; the log goes to standard error."""

    scope = Scope.APP

    @provide(override=True)
    def mailer(self) -> Mailer:
        return ConsoleMailer(sys.stdout)
