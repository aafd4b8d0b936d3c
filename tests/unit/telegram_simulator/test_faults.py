"""Which requests a fault rule chooses."""

from typing import Any

import pytest

from skua_adapters.telegram_simulator.faults import (
    FaultAction,
    FaultMoment,
    FaultPlan,
    FaultRule,
)


def _chosen(plan: FaultPlan, count: int = 1000) -> list[int]:
    return [chat for chat in range(count) if plan.choose("sendmessage", 42, chat) is not None]


def test_the_same_seed_chooses_the_same_requests() -> None:
    rule = FaultRule(action=FaultAction.DROP, probability=0.1)

    chosen = _chosen(FaultPlan([rule], seed=7))

    assert chosen == _chosen(FaultPlan([rule], seed=7))
    assert chosen != _chosen(FaultPlan([rule], seed=8))
    assert 50 < len(chosen) < 150


def test_rules_can_name_a_method_a_bot_and_a_share_of_the_chats() -> None:
    rule = FaultRule(action=FaultAction.DROP, bot_id=42, chat_modulus=10, chat_remainder=3)
    plan = FaultPlan([rule], seed=0)

    assert _chosen(plan, 25) == [3, 13, 23]
    assert plan.choose("getme", 42, None) is None
    assert plan.choose("sendmessage", 43, 3) is None


def test_rules_can_skip_the_first_and_end_after_some() -> None:
    plan = FaultPlan([FaultRule(action=FaultAction.HANG, skip=5, times=2)], seed=0)

    assert _chosen(plan) == [5, 6]


def test_the_first_rule_that_fires_wins() -> None:
    drop = FaultRule(action=FaultAction.DROP, when=FaultMoment.AFTER, times=1)
    hang = FaultRule(action=FaultAction.HANG, method="*")
    plan = FaultPlan([drop, hang], seed=0)

    assert plan.choose("sendmessage", 42, 1) == drop
    assert plan.choose("sendmessage", 42, 1) == hang
    assert plan.choose("getme", 42, None) == hang


def test_replacing_the_rules_begins_anew() -> None:
    plan = FaultPlan([FaultRule(action=FaultAction.DROP, times=1)], seed=0)
    _chosen(plan)

    plan.replace(plan.rules)

    assert _chosen(plan) == [0]


def test_a_429_after_acceptance_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="never accepted"):
        FaultRule(action=FaultAction.TOO_MANY_REQUESTS, when=FaultMoment.AFTER)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "needs a description"),
        ({"description": "x", "error_code": 200}, "between 400 and 599"),
        ({"description": "x", "parts": 1}, "when=after"),
        ({"description": "x", "parts": 0, "when": FaultMoment.AFTER}, "begin at 1"),
    ],
)
def test_refusals_on_order_say_what_and_how_much(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FaultRule(action=FaultAction.REFUSE, **changes)


def test_a_429_on_order_needs_no_words_of_its_own() -> None:
    rule = FaultRule(action=FaultAction.REFUSE, error_code=429, when=FaultMoment.AFTER)

    assert not rule.description
