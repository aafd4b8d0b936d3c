"""Trouble on order: which requests go wrong, how, and before or after they were accepted."""

import random
from collections.abc import Iterable
from enum import StrEnum
from http import HTTPStatus

import msgspec

_LOWEST_ERROR, _HIGHEST_ERROR = 400, 599


class FaultAction(StrEnum):
    DROP = "drop"
    """Close the connection without an answer."""
    HANG = "hang"
    """Keep the connection open for ``seconds``, then close it without an answer."""
    BAD_GATEWAY = "bad_gateway"
    """Answer 502 as a proxy would: an HTML page, or nothing when ``body`` is false."""
    TOO_MANY_REQUESTS = "too_many_requests"
    """Answer 429, and hold the token (or the chat, see ``scope``) to ``retry_after``."""
    REFUSE = "refuse"
    """Answer ``error_code`` with ``description``; afterwards when only the answer is wrong, as that
    of an album whose first ``parts`` messages arrived."""


class FaultMoment(StrEnum):
    BEFORE = "before"
    """The request is lost: nothing was accepted."""
    AFTER = "after"
    """The request was accepted: only the answer is lost."""


class FaultScope(StrEnum):
    TOKEN = "token"  # noqa: S105 - what a wait holds back, not a secret
    CHAT = "chat"


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``action`` for the requests that match, and of those for the ones that are chosen.

    Which match: ``method`` (``*`` is any), ``bot_id``, ``chat_id % chat_modulus ==
    chat_remainder``. Which of them are chosen: those after the first ``skip``, of these each
    with ``probability``, and at most ``times`` in all.
    """

    action: FaultAction
    when: FaultMoment = FaultMoment.BEFORE
    method: str = "sendMessage"
    bot_id: int | None = None
    chat_modulus: int = 1
    chat_remainder: int = 0
    skip: int = 0
    probability: float = 1.0
    times: int | None = None
    seconds: float = 60.0
    body: bool = True
    retry_after: int = 1
    scope: FaultScope = FaultScope.TOKEN
    error_code: int = 400
    description: str = ""
    """Empty for 429 with Telegram's words, else required."""
    parts: int | None = None
    """None is all of them."""

    def __post_init__(self) -> None:
        self._check_refusal()
        if self.action is FaultAction.TOO_MANY_REQUESTS and self.when is FaultMoment.AFTER:
            raise ValueError("a request answered 429 was never accepted: use when=before")
        if self.chat_modulus < 1 or self.retry_after < 1 or self.seconds < 0:
            raise ValueError("chat_modulus and retry_after begin at 1, seconds at 0")
        if not 0 <= self.probability <= 1:
            raise ValueError("probability lies between 0 and 1")

    def _check_refusal(self) -> None:
        refuses = self.action is FaultAction.REFUSE
        if refuses and not self.description and self.error_code != HTTPStatus.TOO_MANY_REQUESTS:
            raise ValueError("a refusal needs a description")
        if not _LOWEST_ERROR <= self.error_code <= _HIGHEST_ERROR:
            raise ValueError("error_code lies between 400 and 599")
        if self.parts is None:
            return
        if self.parts < 1 or not refuses or self.when is FaultMoment.BEFORE:
            raise ValueError("parts begin at 1 and belong to action=refuse with when=after")

    def matches(self, method: str, bot_id: int, chat_id: int | None) -> bool:
        if self.method != "*" and self.method.lower() != method:
            return False
        if self.bot_id is not None and self.bot_id != bot_id:
            return False
        if self.chat_modulus == 1:
            return True
        return chat_id is not None and chat_id % self.chat_modulus == self.chat_remainder


class _ArmedRule:
    def __init__(self, rule: FaultRule, seed: str) -> None:
        self.rule = rule
        self._random = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
        self._matched = 0
        self._fired = 0

    def fires(self) -> bool:
        self._matched += 1
        if self._matched <= self.rule.skip:
            return False
        if self.rule.times is not None and self._fired >= self.rule.times:
            return False
        if self._random.random() >= self.rule.probability:
            return False
        self._fired += 1
        return True


class FaultPlan:
    """The rules in force. Same rules, same seed, same order of requests: same faults."""

    def __init__(self, rules: Iterable[FaultRule], *, seed: int) -> None:
        self._seed = seed
        self._armed: list[_ArmedRule] = []
        self.replace(rules)

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        return tuple(armed.rule for armed in self._armed)

    def add(self, rule: FaultRule) -> None:
        self._armed.append(_ArmedRule(rule, f"{self._seed}:{len(self._armed)}"))

    def replace(self, rules: Iterable[FaultRule]) -> None:
        """Their counts begin anew; no rules, no faults."""
        self._armed.clear()
        for rule in rules:
            self.add(rule)

    def choose(self, method: str, bot_id: int, chat_id: int | None) -> FaultRule | None:
        """The first rule that fires for this request; ``method`` in lower case."""
        for armed in self._armed:
            if armed.rule.matches(method, bot_id, chat_id) and armed.fires():
                return armed.rule
        return None
