"""What every command has in common: help, one line for what is wrong, exit codes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import rich_click as click
from click.testing import CliRunner

from skua_app.cli.root import LazyGroup, cli
from skua_app.cli.surroundings import Reached
from skua_app.settings import Settings
from skua_core.errors import StorageUnfit
from tests.unit.cli.desk import Desk
from tests.unit.use_cases.world import TOKEN


def every_command() -> Iterator[tuple[str, ...]]:
    """The words of each, groups included."""
    assert isinstance(cli, LazyGroup)
    context = click.Context(cli)
    for name in cli.list_commands(context):
        yield (name,)
        _, command, _ = cli.resolve_command(context, [name])
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                yield name, inner


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_help_says_what_it_does(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])

    assert result.exit_code == 0
    assert f"Usage: cli {' '.join(words)}" in result.stdout


def test_the_list_says_of_each_command_what_the_command_says_of_itself() -> None:
    assert isinstance(cli, LazyGroup)
    context = click.Context(cli)
    for name in cli.list_commands(context):
        _, command, _ = cli.resolve_command(context, [name])
        listed = cli.get_command(context, name)

        assert command is not None
        assert listed is not None
        assert (command.help or "").split("\n\n")[0] == listed.help
        assert (command.name, listed.name) == (name, name)


def test_help_waits_for_nothing_that_only_the_work_needs() -> None:
    heavy = ["sqlalchemy", "litestar", "aiohttp", "asyncpg", "dishka", "structlog", "asyncio"]
    program = (
        "import sys\n"
        "from skua_app.cli.root import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )

    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert found.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nope"], "skua: No such command 'nope'. `cli --help` tells more.\n"),
        (["--nope"], "skua: No such option '--nope'. `cli --help` tells more.\n"),
        (["bot", "nope"], "skua: No such command 'nope'. `cli bot --help` tells more.\n"),
        (["bot", "add"], "skua: Missing argument 'SLUG'. `cli bot add --help` tells more.\n"),
    ],
)
def test_a_slip_in_the_words_is_one_line(desk: Desk, words: list[str], line: str) -> None:
    result = desk.run(*words)

    assert (result.exit_code, result.stderr) == (2, line)


@pytest.mark.parametrize(
    ("environ", "words", "line"),
    [
        ({"SKUA_SEND_RATE": "0"}, ["bot", "list"], "skua: SKUA_SEND_RATE: expected `float` > 0.0."),
        (
            {"SKUA_LANE_HEARTBEAT": "90"},
            ["bot", "list"],
            (
                "skua: SKUA_LANE_*: lane times must rise: "
                "twice the heartbeat (90 s) < fence (12 s) < takeover (20 s)."
            ),
        ),
        (
            {"WEB_ALLOWED_IPS": "10.0.0.1/8"},
            ["serve"],
            (
                "skua: WEB_ALLOWED_IPS: 10.0.0.1/8 names one address of a network: "
                "write 10.0.0.0/8 for all, or 10.0.0.1."
            ),
        ),
        (
            {"SKUA_DATABASE_URL": "mysql://x"},
            ["bot", "list"],
            "skua: SKUA_DATABASE_URL: it has to begin with postgresql://.",
        ),
        (
            {"SKUA_DATABASE_URL": "postgresql://x/y"},
            ["up"],
            (
                "skua: SKUA_DATABASE_URL: `skua up` brings a database of its own; "
                "unset it, or run `skua serve` and `skua worker`."
            ),
        ),
        (
            {},
            ["serve"],
            "skua: SKUA_DATABASE_URL: it isn't set, and `skua up` brings a database of its own.",
        ),
        (
            {"SKUA_DATABASE_URL": "postgresql://x/y"},
            ["worker"],
            "skua: WEB_SECRET_KEY: it isn't set, and tokens are sealed with it.",
        ),
        (
            {"SKUA_DATABASE_URL": "postgresql://x/y", "WEB_SECRET_KEY": "a passphrase for tests"},
            ["serve"],
            "skua: SKUA_PUBLIC_URL: it isn't set, and only `skua up` fetches updates.",
        ),
        (
            {"SKUA_DATABASE_URL": "postgresql://x/y"},
            ["migrate"],
            "skua: SKUA_DATABASE_OWNER_URL: it isn't set, and migrations need it.",
        ),
        (
            {"SKUA_DATABASE_OWNER_URL": "postgresql://postgres@127.0.0.1:1/skua"},
            ["migrate", "--create-roles"],
            "skua: SKUA_DATABASE_OWNER_URL: its user has to be skua_owner.",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_the_reason(
    desk: Desk, environ: dict[str, str], words: list[str], line: str
) -> None:
    desk.surroundings = replace(desk.surroundings, environ=environ)

    result = desk.run(*words)

    assert (result.exit_code, result.stderr) == (2, f"{line}\n")


def test_a_refusal_stays_one_line_whatever_it_quotes(desk: Desk) -> None:
    result = run_with(desk, StorageUnfit(("it says\n\x1b[31mno\r\n",)))

    assert result == (2, "skua: The database can't be used: it says \ufffd[31mno .\n")


def test_a_full_disk_is_told_as_such(desk: Desk) -> None:
    result = run_with(desk, OSError(28, "No space left on device", "/data/secret.key"))

    assert result == (2, "skua: /data/secret.key: No space left on device.\n")


def test_ctrl_c_leaves_no_traceback(desk: Desk) -> None:
    assert run_with(desk, KeyboardInterrupt()) == (130, "\n")


def test_a_defect_is_told_in_one_line_without_a_token(desk: Desk) -> None:
    code, told = run_with(desk, RuntimeError(f"at /bot{TOKEN.reveal()}/getMe"))

    assert code == 70
    assert told == (
        "skua: This is a defect of Skua: RuntimeError: at /bot<bot-token>/getMe. Run `skua --debug "
        "…` to see where.\n"
    )


def test_debug_shows_where_a_defect_lies_but_no_token(desk: Desk) -> None:
    code, told = run_with(desk, RuntimeError(f"at /bot{TOKEN.reveal()}/getMe"), "--debug")

    assert code == 70
    assert "Traceback" in told
    assert TOKEN.reveal() not in told


def run_with(desk: Desk, error: BaseException, *options: str) -> tuple[int, str]:
    """How a command ends whose database raises ``error``."""

    @contextmanager
    def fail(settings: Settings) -> Iterator[Reached]:
        raise error
        yield Reached(settings=settings, alone=True)

    desk.surroundings = replace(desk.surroundings, reach=fail)
    result = desk.run(*options, "bot", "list")
    assert result.stdout == ""
    return result.exit_code, result.stderr
