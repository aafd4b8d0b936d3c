"""Whatever happens in whatever order, no session lives after its end."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from skua_core.domain.secret import Secret
from skua_core.domain.session import MOST_SESSIONS, SESSION_LIVES, SessionPolicy
from skua_core.errors import NotSignedIn
from skua_core.ids import SessionId
from skua_core.use_cases.accounts.login import LoggedIn
from skua_core.use_cases.accounts.sessions import (
    Authenticated,
    EndOtherSessions,
    EndOtherSessionsCommand,
    EndSession,
    EndSessionCommand,
    Logout,
    LogoutCommand,
)
from tests.unit.use_cases.accounts.house import House, at

ABSOLUTE = timedelta(days=40)
"""Soon enough for histories of some steps to get there."""
DAY = 86_400


class SessionHistory(RuleBasedStateMachine):
    """The model: when each session ends at the latest, and every token that ever named it."""

    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.house = House(policy=SessionPolicy(absolute=ABSOLUTE))
        self.ends: dict[SessionId, datetime] = {}
        """Of those that should live; one that ended isn't in it."""
        self.known: dict[Secret, tuple[SessionId, datetime]] = {}
        """By token: its session, and when the token itself ends."""
        self.device: Secret | None = None
        self.absolute: dict[SessionId, datetime] = {}

    def teardown(self) -> None:
        self.loop.close()

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    @property
    def now(self) -> datetime:
        return self.house.clock.now()

    @initialize()
    def register(self) -> None:
        self.run(self.house.register())

    @rule(target=tokens)
    def log_in_once(self) -> Secret:
        return self.log_in()

    @rule(target=tokens)
    def log_in_often(self) -> MultipleResults[Secret]:
        return multiple(*(self.log_in() for _ in range(MOST_SESSIONS // 2)))

    @rule(target=tokens, token=tokens)
    def use(self, token: Secret) -> Secret:
        """A request; the browser may keep the former token as well as a rolled one."""
        shown = self.show(token)
        if shown is None or shown.rolled is None:
            return token
        return self.note(shown.rolled, shown.signed_in.as_person().id)

    @rule(token=tokens)
    def log_out(self, token: Secret) -> None:
        shown = self.show(token)
        if shown is not None:
            self.run(Logout(storage=self.house.storage)(LogoutCommand(signed_in=shown.signed_in)))
            del self.ends[shown.signed_in.as_person().id]

    @rule(target=tokens, token=tokens)
    def log_out_during_a_slow_request(self, token: Secret) -> Secret:
        shown = self.show(token)
        if shown is None:
            return token
        session_id = shown.signed_in.as_person().id
        self.run(Logout(storage=self.house.storage)(LogoutCommand(signed_in=shown.signed_in)))
        del self.ends[session_id]
        return token if shown.rolled is None else self.note(shown.rolled, session_id)

    @rule(token=tokens, other=tokens)
    def end_another(self, token: Secret, other: Secret) -> None:
        shown = self.show(token)
        session_id = self.known[other][0]
        if shown is not None and session_id in self.ends:
            command = EndSessionCommand(signed_in=shown.signed_in, session_id=str(session_id))
            self.run(EndSession(storage=self.house.storage)(command))
            del self.ends[session_id]

    @rule(token=tokens)
    def end_all_others(self, token: Secret) -> None:
        shown = self.show(token)
        if shown is not None:
            command = EndOtherSessionsCommand(signed_in=shown.signed_in)
            self.run(EndOtherSessions(storage=self.house.storage)(command))
            mine = shown.signed_in.as_person().id
            self.ends = {mine: self.ends[mine]}

    @rule(token=consumes(tokens))
    def lose_a_token(self, token: Secret) -> None:
        """Its session goes on: another token may name it."""

    @rule(seconds=st.sampled_from([1, 3600, DAY - 1, DAY]))
    def time_passes(self, seconds: int) -> None:
        self.house.wait(seconds=seconds)
        self.forget_what_is_over()

    @rule(days=st.sampled_from([9, 29]), token=tokens)
    def time_passes_between_two_requests(self, days: int, token: Secret) -> None:
        """So that some get old, which chance alone would see to too rarely."""
        self.show(token)
        self.house.wait(days=days)
        self.forget_what_is_over()
        self.show(token)

    @invariant()
    def exactly_those_that_should_live_do(self) -> None:
        alive = {row.id for row in self.house.sessions if row.live(self.now)}

        assert alive == set(self.ends)

    @invariant()
    def no_more_live_than_may(self) -> None:
        assert len(self.ends) <= MOST_SESSIONS

    def log_in(self) -> Secret:
        # A known device, so that nothing but sessions is in the way; and time for its permit.
        self.house.wait(seconds=5)
        self.forget_what_is_over()
        logged_in: LoggedIn = self.run(self.house.log_in(caller=at(device=self.device)))
        self.device = logged_in.device_token or self.device
        session_id = logged_in.signed_in.as_person().id
        if len(self.ends) == MOST_SESSIONS:
            del self.ends[min(self.ends, key=lambda each: self.absolute[each])]
        self.absolute[session_id] = self.now + ABSOLUTE
        self.ends[session_id] = self.now + min(SESSION_LIVES, ABSOLUTE)
        return self.note(logged_in.token, session_id)

    def note(self, token: Secret, session_id: SessionId) -> Secret:
        self.known[token] = session_id, self.now.replace(microsecond=0) + SESSION_LIVES
        return token

    def show(self, token: Secret) -> Authenticated | None:
        """What comes of a request with it, which has to be what the model says."""
        session_id, token_ends = self.known[token]
        expected = session_id in self.ends and self.now < token_ends
        try:
            shown: Authenticated = self.run(self.house.show(token))
        except NotSignedIn:
            assert not expected
            return None
        assert expected
        assert shown.signed_in.as_person().id == session_id
        if shown.rolled is not None:
            self.ends[session_id] = min(self.now + SESSION_LIVES, self.absolute[session_id])
        return shown

    def forget_what_is_over(self) -> None:
        self.ends = {each: end for each, end in self.ends.items() if self.now < end}


TestSessionHistory = SessionHistory.TestCase
TestSessionHistory.settings = settings(max_examples=40, stateful_step_count=40)
