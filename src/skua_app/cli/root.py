"""The command's first word: what there is, and how each way of ending looks to a shell.

Only what ``--help`` needs is imported here; each command's module is read when it is called.
"""

import errno
import importlib
import traceback
from importlib.metadata import version
from typing import Any, NamedTuple

import rich_click as click
from click.exceptions import Exit

from skua_app.cli.plain import tell
from skua_app.redaction import without_tokens
from skua_core.errors import SkuaError

BAD_INPUT = 2
"""What was asked can't be done as it was asked; nothing was changed."""
DEFECT = 70
INTERRUPTED = 130


class _Entry(NamedTuple):
    place: str
    """Module and name of the command, below this package."""
    sentence: str


_COMMANDS = {
    "demo": _Entry(
        "demo:demo", "Watch a broadcast arrive in a simulated Telegram, with nothing to set up."
    ),
    "up": _Entry("running:up", "Run everything on this machine: database, server and worker."),
    "serve": _Entry("running:serve", "Run the server alone, for an installation of many machines."),
    "worker": _Entry("running:worker", "Run a worker alone, for an installation of many machines."),
    "migrate": _Entry(
        "migrate:migrate", "Bring the database to the version that this program needs."
    ),
    "status": _Entry("status:status", "Show what runs, what waits and what is wrong."),
    "user": _Entry("users:user", "Make accounts, list them, shut them and open them again."),
    "bot": _Entry("bots:bot", "Connect Telegram bots, change their tokens, let them go."),
    "subscribers": _Entry(
        "subscribers:subscribers", "List and import the people who talk to a bot."
    ),
    "broadcast": _Entry(
        "broadcasts:broadcast", "Send to everybody, watch it, stop it, see what it came to."
    ),
    "auto-message": _Entry(
        "auto_messages:auto_message", "Answer /start and keywords, ahead of every broadcast."
    ),
    "audit": _Entry("audit:audit", "Check the record of who did what."),
    "telegram-simulator": _Entry(
        "telegram_simulator:telegram_simulator",
        "Run a strict Telegram of your own, for trials and tests.",
    ),
}


class LazyGroup(click.RichGroup):
    """Knows its commands by name and sentence; reads a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's own
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return click.RichCommand(name=cmd_name, help=_COMMANDS[cmd_name].sentence)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        module, _, attribute = _COMMANDS[name].place.partition(":")
        loaded = importlib.import_module(f"skua_app.cli.{module}")
        return name, getattr(loaded, attribute), rest

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            _tell_of_usage(error)
            ctx.exit(BAD_INPUT)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever it raises becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except Exit:
            raise
        except click.UsageError as error:
            _tell_of_usage(error)
            ctx.exit(BAD_INPUT)
        except click.ClickException as error:
            tell(error.format_message())
            ctx.exit(BAD_INPUT)
        except SkuaError as error:
            tell(str(error))
            ctx.exit(BAD_INPUT)
        except (KeyboardInterrupt, click.Abort):
            click.echo(err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            tell(_of_the_system(error))
            ctx.exit(BAD_INPUT)
        except Exception as defect:  # noqa: BLE001 - the program's last word
            _tell_of_defect(defect, whole=bool(ctx.params.get("debug")))
            ctx.exit(DEFECT)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 something of it did not succeed; 2 it can't be done as it was "
    "asked; 70 a defect of Skua; 130 interrupted.",
)
@click.version_option(version("skua"), message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show where in the program a defect lies.")
@click.pass_context
def cli(ctx: click.Context, *, debug: bool) -> None:
    """Send messages to the people who talk to your Telegram bots, and know what became of each."""
    del debug  # read by ``invoke``
    from skua_app.cli.surroundings import Surroundings  # noqa: PLC0415 - for commands, not --help

    if ctx.obj is None:
        ctx.obj = Surroundings()


def _tell_of_usage(error: click.UsageError) -> None:
    command = "skua" if error.ctx is None else error.ctx.command_path
    tell(f"{error.format_message()} `{command} --help` tells more.")


def _of_the_system(error: OSError) -> str:
    what = error.strerror or type(error).__name__
    return f"{error.filename}: {what}." if error.filename else f"{what}."


def _tell_of_defect(defect: Exception, *, whole: bool) -> None:
    if whole:
        click.echo(without_tokens("".join(traceback.format_exception(defect))), err=True, nl=False)
    hint = "" if whole else " Run `skua --debug …` to see where."
    tell(f"This is a defect of Skua: {type(defect).__name__}: {defect}.{hint}")
