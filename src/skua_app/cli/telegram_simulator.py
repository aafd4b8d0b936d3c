"""``skua telegram-simulator``: a strict Bot API of one's own.

What it is made of is imported when it begins, which --help must not wait for.
"""

from pathlib import Path
from typing import Any

import rich_click as click

from skua_app.cli import options


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8081,
    show_default=True,
    help="0 takes any free port.",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A JSON file with everything: bots, faults, limits, latency. Options go before it.",
)
@click.option(
    "--audience",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="So many people have started each bot, with the user ids 5000000001 and up.",
)
@click.option("--receipt-book", type=click.Path(path_type=Path), help="Write each request there.")
@click.option("--latency", type=click.FloatRange(min=0), help="Mean time to an answer, in ms.")
@click.option("--latency-deviation", type=click.FloatRange(min=0), help="Its deviation, in ms.")
@click.option("--token-rate", type=click.FloatRange(min=0.001), help="Sends a second per token.")
@click.option("--token-bucket", type=click.IntRange(min=1), help="How many of them at once.")
@click.option("--paid-rate", type=click.FloatRange(min=0.001), help="The same, paid for.")
@click.option("--chat-rate", type=click.FloatRange(min=0.001), help="Sends a second to a chat.")
@click.option("--seed", type=int, help="Of all that is random.")
@options.as_json
def telegram_simulator(  # noqa: PLR0917 - click passes by name
    host: str,
    port: int,
    settings_file: Path | None,
    audience: int,
    receipt_book: Path | None,
    latency: float | None,
    latency_deviation: float | None,
    as_json: bool,  # noqa: FBT001 - click passes by name
    **others: Any,
) -> None:
    """Run a strict Telegram of your own, for trials and tests.

    It refuses in Telegram's words and keeps Telegram's limits. Without --settings it has one bot,
    whose made-up token it prints. Ctrl-C stops it.
    """
    from skua_app.cli import simulator  # noqa: PLC0415 - see above

    limits = ("token_rate", "token_bucket", "paid_rate", "chat_rate")
    settings = simulator.read_settings(
        settings_file,
        host=host,
        port=port,
        receipt_book=receipt_book,
        seed=others["seed"],
        latency={
            "mean": None if latency is None else latency / 1000,
            "deviation": None if latency_deviation is None else latency_deviation / 1000,
        },
        limits={name: others[name] for name in limits},
    )
    simulator.run(settings, audience=audience, as_json=as_json)
