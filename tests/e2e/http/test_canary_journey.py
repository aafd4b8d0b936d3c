"""One long journey with errors forced in each layer; then nothing secret lies anywhere.

``test_canaries.py`` shows that the search would find it.
"""

import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.e2e.delivery.conftest import place
from tests.e2e.delivery.installation import make_token as make_bot_token
from tests.e2e.http.canaries import Kind
from tests.e2e.http.canary_accounts import Ana
from tests.e2e.http.canary_bots import BotJourney
from tests.e2e.http.canary_installation import (
    Installation,
    installation,
    programs,
)
from tests.e2e.http.canary_mischief import misplace_secrets
from tests.e2e.http.canary_troubles import (
    guess_too_often,
    lose_redis,
    lose_the_database,
    lose_the_mail_server,
    meet_faults,
)

__all__ = ["place"]

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

TROUBLES = {400, 401, 403, 404, 405, 413, 415, 429, 500, 503}
TRACES = ("CheckViolation", "FaultInjected", "was set aside", "is given up", "has to wait")
"""What the logs of the processes hold for certain, each with a traceback or others' words."""


async def test_no_secret_lies_where_it_does_not_belong(place: Path, tmp_path: Path) -> None:
    randomness = random.SystemRandom()
    token = make_bot_token(randomness)
    next_token = f"{token.partition(':')[0]}:{make_bot_token(randomness).partition(':')[2]}"
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(installation(place, tmp_path, [token]))
        async with programs(scene):
            await journey(scene, BotJourney(scene, token, next_token))
            await scene.sweep()
            scene.places.append(await scene.watch.seen())
        places = scene.last_sweep()

    findings = scene.canaries.search(places)
    assert {each.kind for each in places if each.content} == set(Kind)
    assert scene.record.statuses >= TROUBLES
    assert {trace for trace in TRACES if trace not in scene.logged()} == set()
    assert not findings, "\n".join(map(str, findings))


async def journey(scene: Installation, bots: BotJourney) -> None:
    async with AsyncExitStack() as stack:
        browsers = [
            await stack.enter_async_context(scene.browser(name, number))
            for number, name in enumerate(("Ana", "Ana elsewhere", "a program", "a stranger"), 71)
        ]
        own, others, program, stranger = browsers
        ana = Ana(scene, own)
        await misplace_secrets(scene, stranger)
        await ana.registers()
        await ana.signs_in_at_last()
        await ana.takes_a_second_factor(others)
        await ana.makes_keys(program)
        await ana.looks_around()
        await scene.sweep()
        await bots.connects()
        await bots.sends()
        await bots.is_called_by_others(stranger)
        await bots.loses_its_token()
        await ana.changes_password_and_address()
        await ana.forgets_password()
        await lose_the_mail_server(scene, stranger)
        await lose_redis(scene, own, stranger)
        await lose_the_database(scene, own, stranger)
        await meet_faults(scene, ana)
        await scene.sweep()
        await guess_too_often(scene, stranger)
        await ana.leaves()
