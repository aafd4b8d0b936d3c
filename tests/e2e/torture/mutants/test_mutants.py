"""The judge of the torture finds each fault that is built in, and none where there is none."""

from contextlib import AsyncExitStack

import pytest

from tests.e2e.delivery.conftest import SetUp
from tests.e2e.torture.mutants.scenarios import (
    Scenario,
    answers_are_lost,
    frozen_and_thawed,
    gate_shut_within_a_claim,
    gate_shut_within_a_grouped_claim,
    killed_after_the_first_answers,
    takeover_waits_for_a_claim,
)

pytestmark = [pytest.mark.external, pytest.mark.timeout(120)]

CASES = [
    pytest.param(
        frozen_and_thawed, "without_the_fence", "after lease 2 had", id="without the fence"
    ),
    pytest.param(
        gate_shut_within_a_claim,
        "without_the_gate_lock",
        "was claimed after bot.made_read_only had answered",
        id="without the gate lock",
    ),
    pytest.param(
        gate_shut_within_a_grouped_claim,
        "without_the_gate_lock",
        "was claimed after bot.made_read_only had answered",
        id="without the gate lock in a group of turns",
    ),
    pytest.param(
        takeover_waits_for_a_claim,
        "with_takeover_in_one_statement",
        "in flight under lease 2",
        id="with takeover in one statement",
    ),
    pytest.param(
        killed_after_the_first_answers,
        "with_the_send_before_the_commit",
        "I1: spring arrived 2 times",
        id="with the send before the claim's commit",
    ),
    pytest.param(
        answers_are_lost,
        "with_retry_after_a_timeout",
        "I1: spring arrived 2 times",
        id="with a retry after a timeout",
    ),
]


@pytest.mark.parametrize(("scenario", "mutant", "words"), CASES)
async def test_built_in_fault_is_found(
    scenario: Scenario, mutant: str, words: str, set_up: SetUp, cleanup: AsyncExitStack
) -> None:
    found = await scenario(set_up, mutant, cleanup)

    assert any(words in violation for violation in found), found


@pytest.mark.parametrize("scenario", [case.values[0] for case in CASES])
async def test_shipped_engine_keeps_its_promises_there(
    scenario: Scenario, set_up: SetUp, cleanup: AsyncExitStack
) -> None:
    assert await scenario(set_up, None, cleanup) == []
