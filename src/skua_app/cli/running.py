"""``skua up``, ``serve`` and ``worker``: the programs that stay.

What they are made of is imported when they begin: it takes seconds, and --help must not.
"""

from pathlib import Path

import rich_click as click

from skua_app.cli.surroundings import Surroundings
from skua_app.settings import SettingInvalid, Settings

host_option = click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
)
port_option = click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
_FILE = click.Path(path_type=Path)


@click.command()
@host_option
@port_option
@click.pass_obj
def up(surroundings: Surroundings, *, host: str, port: int) -> None:
    """Run everything on this machine: database, server and worker.

    Its data lies in SKUA_DATA_DIR. Without SKUA_PUBLIC_URL, an https address under which Telegram
    can call this machine, it fetches updates, so a laptop is enough. Ctrl-C stops it in good order.
    """
    from skua_app.cli import nodes  # noqa: PLC0415 - see above

    settings = surroundings.settings()
    if settings.skua_database_url is not None:
        raise SettingInvalid(
            "SKUA_DATABASE_URL",
            "`skua up` brings a database of its own; unset it, or run `skua serve` and "
            "`skua worker`",
        )
    nodes.up(settings, host=host, port=port)


@click.command()
@host_option
@port_option
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many share the work; one for each core is a good number.",
)
@click.option(
    "--tls-cert",
    "certificate",
    type=_FILE,
    help="Serve https with this certificate (PEM, its issuers after it).",
)
@click.option("--tls-key", "key", type=_FILE, help="The key of that certificate (PEM).")
@click.pass_obj
def serve(
    surroundings: Surroundings,
    *,
    host: str,
    port: int,
    processes: int,
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Run the server alone, for an installation of many machines.

    It needs SKUA_DATABASE_URL, WEB_SECRET_KEY and SKUA_PUBLIC_URL. It speaks HTTP/1.1 and HTTP/2
    on one port. SIGTERM or Ctrl-C stops it once the requests in flight are answered; SIGHUP makes
    it read the certificate anew.
    """
    from skua_app.cli import nodes  # noqa: PLC0415 - see above
    from skua_app.tls_files import TlsFiles  # noqa: PLC0415 - as above

    if (certificate is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together.")
    tls = None
    if certificate is not None and key is not None:
        tls = TlsFiles(certificate=certificate, key=key)
    settings = _of_many(surroundings)
    nodes.serve(settings, host=host, port=port, tls=tls, processes=processes)


@click.command()
@click.pass_obj
def worker(surroundings: Surroundings) -> None:
    """Run a worker alone, for an installation of many machines.

    It needs the settings that `skua serve` needs, with the same values.
    """
    from skua_app.cli import nodes  # noqa: PLC0415 - see above

    nodes.worker(_of_many(surroundings))


def _of_many(surroundings: Surroundings) -> Settings:
    settings = surroundings.settings()
    for name, value, why in (
        ("SKUA_DATABASE_URL", settings.skua_database_url, "`skua up` brings a database of its own"),
        ("WEB_SECRET_KEY", settings.web_secret_key, "tokens are sealed with it"),
        ("SKUA_PUBLIC_URL", settings.skua_public_url, "only `skua up` fetches updates"),
    ):
        if value is None:
            raise SettingInvalid(name, f"it isn't set, and {why}")
    return settings
