"""Whatever happens to letters on their way: none is lost, and none repeated without a crash."""

import asyncio
from collections import Counter
from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from skua_adapters.letter_renderer.in_process import InProcessLetterRenderer
from skua_adapters.mailer.recording import RecordingMailer
from skua_core.domain.letter import Mail
from skua_core.ids import MailId
from skua_core.use_cases.accounts.dispatch import GIVE_UP_AFTER, DispatchMail
from tests.unit.use_cases.accounts.office import Office

HOUR, DAY = 3600, 86_400


class Died(BaseException):
    """The process ended; nothing after this was done."""


class MortalMailer(RecordingMailer):
    """Whose process may die on either side of the server's word."""

    dies_before = dies_after = False

    async def send(self, mail_id: MailId, mail: Mail) -> None:
        if self.dies_before:
            raise Died
        await super().send(mail_id, mail)
        if self.dies_after:
            raise Died


class OutboxMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.office = Office()
        self.mailer = MortalMailer()
        self.dispatch = DispatchMail(
            storage=self.office.storage,
            letters=self.office.letters,
            renderer=InProcessLetterRenderer(),
            mailer=self.mailer,
        )
        self.posted: dict[str, datetime] = {}
        self.refused: set[str] = set()
        self.crashes = 0

    def teardown(self) -> None:
        """In the end the server is there: what isn't too old leaves, and nothing stays."""
        self.mailer.restore()
        self.office.world.clock.advance(HOUR)
        young = self.young()
        for _ in self.posted:
            self.look()
        left = self.waiting()
        self.runner.close()

        assert young - self.refused <= {mail.to for mail in self.mailer.sent}
        assert left == 0

    @property
    def now(self) -> datetime:
        return self.office.world.clock.now()

    @rule(refused=st.booleans())
    def post(self, *, refused: bool) -> None:
        address = f"person{len(self.posted)}@example.org"
        self.posted[address] = self.now
        if refused:
            self.refused.add(address)
            self.mailer.refuse(address)
        self.runner.run(self.office.post(address))

    @rule()
    def look(self) -> None:
        self.runner.run(self.dispatch())

    @rule(after=st.booleans())
    def look_and_die(self, *, after: bool) -> None:
        self.mailer.dies_before, self.mailer.dies_after = not after, after
        try:
            self.runner.run(self.dispatch())
        except Died:
            self.crashes += 1
        finally:
            self.mailer.dies_before = self.mailer.dies_after = False

    @rule()
    def the_server_goes_away(self) -> None:
        self.mailer.cut_off()

    @rule()
    def the_server_comes_back(self) -> None:
        self.mailer.restore()

    @rule(seconds=st.sampled_from([1, 30, 119, 120, HOUR, DAY]))
    def time_passes(self, seconds: int) -> None:
        self.office.world.clock.advance(seconds)

    @invariant()
    def every_letter_waits_or_has_left_or_was_given_up_for_a_reason(self) -> None:
        sent = {mail.to for mail in self.mailer.sent}
        assert len(self.young() - sent - self.refused) <= self.waiting()

    @invariant()
    def nothing_leaves_twice_without_a_crash(self) -> None:
        times = Counter(mail.to for mail in self.mailer.sent)
        repeated = sum(number - 1 for number in times.values())
        # A crash may take along all letters of one look.
        assert repeated <= 5 * self.crashes

    @invariant()
    def what_never_can_leave_has_not(self) -> None:
        assert not self.refused & {mail.to for mail in self.mailer.sent}

    def young(self) -> set[str]:
        """To whom letters were written that aren't given up for their age."""
        return {to for to, at in self.posted.items() if self.now - at < GIVE_UP_AFTER}

    def waiting(self) -> int:
        return self.runner.run(self.office.waiting())


TestOutbox = OutboxMachine.TestCase
