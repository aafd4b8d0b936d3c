"""What ended is kept for a week, and then forgotten."""

from datetime import UTC, datetime

import pytest

from skua_adapters._memory import Memory
from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.clock.frozen import FrozenClock
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.use_cases.accounts.forgetting import KEPT, ForgetEnded

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
END = (CODE_LIVES + KEPT).total_seconds()


@pytest.mark.parametrize(("seconds", "forgotten"), [(0.0, 0), (END, 0), (END + 1, 1)])
async def test_an_attempt_that_came_to_nothing_is_forgotten_after_a_week(
    seconds: float, forgotten: int
) -> None:
    clock = FrozenClock(START)
    memory = Memory(clock)
    storage = InMemoryAccountStorage(memory)
    async with storage.unit() as unit:
        await unit.challenges.add(
            Challenge(
                handle_hash=b"handle",
                purpose=ChallengePurpose.REGISTER,
                login="ana@example.com",
                code_mac=None,
                expires_at=START + CODE_LIVES,
                created_at=START,
            )
        )
        await unit.commit()
    clock.advance(seconds)

    assert await ForgetEnded(storage=storage)() == forgotten
    assert len(memory.accounts.challenges.rows) == 1 - forgotten
    assert await ForgetEnded(storage=storage)() == 0
