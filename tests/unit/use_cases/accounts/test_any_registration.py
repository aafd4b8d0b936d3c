"""Whatever people do in whatever order, an account comes of a code that counts, and of no other."""

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from skua_core.domain.challenge import CODE_LIVES, MOST_TRIES, RESENDS_FOR
from skua_core.domain.letter import LetterKind
from skua_core.domain.limits import Bucket, Limits
from skua_core.domain.secret import Secret
from skua_core.errors import CodeInvalid
from skua_core.use_cases.accounts.registration import ResendCodeCommand
from tests.unit.use_cases.accounts.sign_up import ANA, BEN, HOME, SignUp, another_code

PLENTY = Bucket("plenty", 100_000, 0.001)
NO_LIMITS = Limits(
    register_ip=PLENTY,
    code_mails_account=PLENTY,
    code_mails_ip=PLENTY,
    code_tries_account=PLENTY,
    code_tries_ip=PLENTY,
)
MINUTE = 60.0


class Begin(msgspec.Struct, frozen=True):
    email: str


class Resend(msgspec.Struct, frozen=True):
    which: int


class Try(msgspec.Struct, frozen=True):
    which: int
    code_of: int
    """Mostly its own registration's; that of another proves nothing."""
    wrong: bool
    former: bool


class Guess(msgspec.Struct, frozen=True):
    which: int
    times: int


class Wait(msgspec.Struct, frozen=True):
    seconds: float


Step = Begin | Resend | Try | Guess | Wait

which = st.integers(0, 2)
own = st.builds(
    lambda number, wrong, former: Try(number, number, wrong, former),
    which,
    st.booleans(),
    st.sampled_from([False, False, False, True]),
)
foreign = st.builds(Try, which, which, st.just(value=False), st.just(value=False))
waits = st.sampled_from([MINUTE, 8 * MINUTE, CODE_LIVES.total_seconds(), 30000.0])
steps = st.lists(
    st.builds(Begin, st.sampled_from([ANA, ANA, BEN]))
    | st.builds(Resend, which)
    | own
    | own
    | foreign
    | st.builds(Guess, which, st.integers(MOST_TRIES - 1, MOST_TRIES))
    | st.builds(Wait, waits),
    max_size=40,
)


class Known(msgspec.Struct):
    """What a registration is by the book."""

    handle: str
    email: str
    password: Secret
    began: float
    codes: list[str | None]
    """None stands for a letter without a code. The last one counts."""
    sent: float
    tries: int = 0
    closed: bool = False


class Book:
    """The rules once more, as plainly as they can be put."""

    def __init__(self) -> None:
        self.desk = SignUp(limits=NO_LIMITS)
        self.begun: list[Known] = []
        self.accounts: dict[str, Secret] = {}

    @property
    def now(self) -> float:
        return self.desk.clock.monotonic()

    async def follow(self, step: Step) -> None:
        if isinstance(step, Wait):
            self.desk.clock.advance(step.seconds)
        elif isinstance(step, Begin):
            await self.begin(step.email)
        elif self.begun and isinstance(step, Resend):
            await self.resend(self.begun[step.which % len(self.begun)])
        elif self.begun and isinstance(step, Guess):
            for _ in range(step.times):
                await self.attempt(Try(step.which, step.which, wrong=True, former=False))
        elif self.begun and isinstance(step, Try):
            await self.attempt(step)

    async def begin(self, email: str) -> None:
        password = Secret(f"three gulls on mast {len(self.begun)}")
        handle = await self.desk.begin(email, password)
        code = await self.read(email)
        self.begun.append(Known(handle, email, password, self.now, [code], self.now))

    async def resend(self, one: Known) -> None:
        await self.desk.resend(ResendCodeCommand(registration_id=one.handle, caller=HOME))
        if one.closed or self.now >= one.began + RESENDS_FOR.total_seconds():
            assert await self.desk.mail() == []
            return
        one.codes.append(await self.read(one.email))
        one.sent, one.tries = self.now, 0

    async def read(self, email: str) -> str | None:
        (letter,) = await self.desk.mail()
        known = email in self.accounts
        assert letter.to == email
        assert (letter.kind is LetterKind.ALREADY_REGISTERED) == known
        assert ("code" in letter.facts) != known
        return letter.facts.get("code")

    async def attempt(self, step: Try) -> None:
        one, source = (self.begun[n % len(self.begun)] for n in (step.which, step.code_of))
        code = (source.codes[0 if step.former else -1]) or "00000000"
        if step.wrong:
            code = another_code(code)
        alive = (
            not one.closed
            and one.codes[-1] is not None
            and one.tries < MOST_TRIES
            and self.now < one.sent + CODE_LIVES.total_seconds()
        )
        one.tries += alive
        succeeds = alive and code == one.codes[-1] and one.email not in self.accounts

        assert await self.confirmed(one.handle, code) == succeeds

        if succeeds:
            event("an account was made")
            self.accounts[one.email] = one.password
            for each in self.begun:
                each.closed |= each.email == one.email

    async def confirmed(self, handle: str, code: str) -> bool:
        try:
            await self.desk.confirm(handle, code)
        except CodeInvalid:
            return False
        return True

    async def check(self) -> None:
        for email in (ANA, BEN):
            account = await self.desk.account(email)
            assert (account is not None) == (email in self.accounts)
            if account is not None:
                assert await self.desk.has_password(self.accounts[email], email)
                assert await self.desk.actions(account.user.id) == ["account.registered"]


@settings(deadline=None, max_examples=200)
@given(steps)
async def test_an_account_comes_of_a_code_that_counts_and_of_no_other(steps: list[Step]) -> None:
    book = Book()
    for step in [Begin(ANA), *steps]:
        await book.follow(step)

    await book.check()
