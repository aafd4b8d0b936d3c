"""``skua demo``: everything embedded, and a broadcast to watch."""

import msgspec
import rich_click as click
from click.exceptions import Exit

from skua_app.cli.surroundings import Surroundings
from skua_app.settings import SettingInvalid

INCOMPLETE = 1
"""The demo ran, and its outcomes don't add up or somebody got the message twice."""


@click.command()
@click.option(
    "--recipients",
    type=click.IntRange(10, 1_000_000),
    default=1000,
    show_default=True,
    help="How many people press Start.",
)
@click.option("--paid", is_flag=True, help="Send above the free rate, as one does for Stars.")
@click.option("--chaos", is_flag=True, help="Kill the sending process three times on the way.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Skua's; any free one.")
@click.option(
    "--json", "as_json", is_flag=True, help="End with one JSON object, show nothing else."
)
@click.pass_obj
def demo(
    surroundings: Surroundings,
    *,
    recipients: int,
    paid: bool,
    chaos: bool,
    port: int,
    as_json: bool,
) -> None:
    """Watch a broadcast arrive in a simulated Telegram, with nothing to set up.

    Everything lies in a folder of its own, demo in SKUA_DATA_DIR, and stays there to be looked at.
    """
    from skua_app.demo.running import run_demo  # noqa: PLC0415 - seconds that --help doesn't have
    from skua_app.demo.scenario import DemoOptions  # noqa: PLC0415 - as above

    settings = surroundings.settings()
    if settings.skua_database_url is not None:
        raise SettingInvalid("SKUA_DATABASE_URL", "the demo brings its own database; unset it")
    own = msgspec.structs.replace(settings, skua_data_dir=settings.skua_data_dir / "demo")
    options = DemoOptions(
        recipients=recipients,
        paid=paid,
        chaos=chaos,
        port=port,
        login=f"cli:{surroundings.user}",
    )
    result = run_demo(own, options, silent=as_json)
    if as_json:
        click.echo(msgspec.json.encode(result).decode())
    if not result.adds_up or result.duplicates:
        raise Exit(INCOMPLETE)
