"""Runs the Telegram simulator as a program."""

import asyncio
import contextlib
import random
import signal
import string
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from skua_adapters.telegram_simulator import (
    NewBot,
    SimulatorSettings,
    TelegramSimulator,
    WebhookSettings,
    serve,
)
from skua_app.cli.output import say_json
from skua_app.cli.plain import say
from skua_app.settings import SettingInvalid

FIRST_USER = 5_000_000_001
_FIRST_BOT = 7_000_000_001
_TOKEN_ALPHABET = string.ascii_letters + string.digits

Ready = Callable[[TelegramSimulator], None]


def read_settings(
    file: Path | None,
    *,
    host: str,
    port: int,
    receipt_book: Path | None,
    seed: int | None,
    latency: Mapping[str, float | None],
    limits: Mapping[str, float | None],
) -> SimulatorSettings:
    """The file's settings with what was said beside it. Raises SettingInvalid."""
    settings = SimulatorSettings(webhooks=WebhookSettings(allow_local=True))
    if file is not None:
        try:
            settings = msgspec.json.decode(file.read_bytes(), type=SimulatorSettings)
        except msgspec.MsgspecError as error:
            raise SettingInvalid(str(file), str(error)) from None
    said = {"receipt_book": receipt_book, "seed": seed}
    settings = msgspec.structs.replace(
        settings,
        host=host,
        port=port,
        latency=msgspec.structs.replace(settings.latency, **_given(latency)),
        limits=msgspec.structs.replace(settings.limits, **_given(limits)),
        **_given(said),
    )
    if settings.bots:
        return settings
    return msgspec.structs.replace(settings, bots=(_made_up_bot(settings.seed),))


def run(settings: SimulatorSettings, *, audience: int, as_json: bool) -> None:
    """Until SIGINT or SIGTERM. Raises SimulatorAddressTaken and ReceiptBookUnfit."""

    def ready(simulator: TelegramSimulator) -> None:
        for bot in settings.bots:
            people = range(FIRST_USER, FIRST_USER + audience)
            simulator.people.add_audience(_bot_id(bot), people)
        _tell(simulator, audience, as_json=as_json)

    asyncio.run(_serve_until_stopped(settings, ready))


async def _serve_until_stopped(settings: SimulatorSettings, ready: Ready) -> None:
    serving = asyncio.create_task(serve(settings, ready))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _tell(simulator: TelegramSimulator, audience: int, *, as_json: bool) -> None:
    tokens = [bot.token for bot in simulator.settings.bots]
    if as_json:
        say_json({"base_url": simulator.base_url, "tokens": tokens, "audience": audience})
        return
    say(f"A simulated Telegram at {simulator.base_url}; Ctrl-C stops it.")
    say(f"  Skua uses it with SKUA_TELEGRAM_API_BASE={simulator.base_url}")
    for token in tokens:
        say(f"  It has a bot with the made-up token {token}")
    if audience:
        last = FIRST_USER + audience - 1
        say(f"  Users {FIRST_USER} to {last} have started it.")


def _made_up_bot(seed: int) -> NewBot:
    letters = random.Random(seed)  # noqa: S311 - opens nothing: repeatable on purpose
    secret = "".join(letters.choices(_TOKEN_ALPHABET, k=35))
    return NewBot(token=f"{_FIRST_BOT}:{secret}", username="skua_trial_bot")


def _bot_id(bot: NewBot) -> int:
    return int(bot.token.partition(":")[0])


def _given(said: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in said.items() if value is not None}
