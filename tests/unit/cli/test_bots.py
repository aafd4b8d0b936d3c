"""``skua bot``."""

import pytest

from skua_core.errors import SkuaError, TelegramUnavailable, TokenMalformed, TokenRefused
from tests.unit.cli.desk import Desk
from tests.unit.use_cases.world import FOREIGN_TOKEN, NEXT_TOKEN, TOKEN, World


def test_a_bot_is_connected_with_a_token_from_standard_input(desk: Desk) -> None:
    result = desk.run("bot", "add", "gulls", typed=f"{TOKEN.reveal()}\n")

    assert result.exit_code == 0
    (bot,) = desk.objects("bot", "list")
    assert bot["slug"].startswith("gulls-")
    assert (bot["token_state"], bot["webhook_state"]) == ("active", "set")
    assert bot["slug"] in result.stdout


def test_no_token_is_ever_printed(desk: Desk) -> None:
    slug = desk.add_bot()
    said = [
        desk.run("bot", "list"),
        desk.run("bot", "list", "--json"),
        desk.run("status", "--json"),
        desk.run("bot", "token", slug, typed=FOREIGN_TOKEN.reveal()),
        desk.run("bot", "add", TOKEN.reveal()),
        desk.run("bot", "add", "gulls", TOKEN.reveal()),
    ]

    for result in said:
        for token in (TOKEN, FOREIGN_TOKEN):
            assert token.reveal() not in result.output


@pytest.mark.parametrize(
    ("typed", "error"),
    [("rubbish", TokenMalformed()), (FOREIGN_TOKEN.reveal(), TokenRefused())],
    ids=["malformed", "refused"],
)
def test_a_token_that_is_no_good_is_refused_in_one_line(
    desk: Desk, typed: str, error: SkuaError
) -> None:
    result = desk.run("bot", "add", "gulls", typed=typed)

    assert (result.exit_code, result.stderr, result.stdout) == (2, f"skua: {error}\n", "")
    assert desk.objects("bot", "list") == []


def test_nothing_is_stored_while_telegram_cannot_be_asked(desk: Desk) -> None:
    desk.world.api.cut_off()

    result = desk.run("bot", "add", "gulls", typed=TOKEN.reveal())

    assert result.exit_code == 2
    assert result.stderr == f"skua: {TelegramUnavailable('the network is cut off')}\n"
    assert desk.objects("bot", "list") == []


def test_another_bots_token_is_refused(desk: Desk) -> None:
    slug = desk.add_bot()
    desk.world.api.add_bot(FOREIGN_TOKEN)

    result = desk.run("bot", "token", slug, typed=FOREIGN_TOKEN.reveal())

    assert result.exit_code == 2
    assert result.stderr == (
        "skua: This token belongs to Telegram bot 987654321, but this bot is 123456789. Connect "
        "the other one as a bot of its own.\n"
    )


def test_a_token_is_changed_for_a_new_one_of_the_same_bot(desk: Desk) -> None:
    slug = desk.add_bot()
    desk.world.api.add_bot(NEXT_TOKEN)

    result = desk.run("bot", "token", slug, typed=NEXT_TOKEN.reveal())

    assert (result.exit_code, result.stdout) == (0, f"{slug} has a working token.\n")
    assert NEXT_TOKEN in desk.world.api.webhooks


def test_a_url_that_telegram_cannot_call_leaves_the_bot_and_says_so(desk: Desk) -> None:
    desk.world.route = desk.world.route_for("https://10.0.0.7")

    result = desk.run("bot", "add", "gulls", typed=TOKEN.reveal())

    assert result.exit_code == 1
    assert result.stderr.startswith(
        "skua: Telegram could not be told: Telegram can't call https://10.0.0.7"
    )
    assert result.stderr.count("\n") == 1
    assert [bot["webhook_state"] for bot in desk.objects("bot", "list")] == ["pending"]


def test_a_forgotten_token_closes_the_bot(desk: Desk) -> None:
    slug = desk.add_bot()

    result = desk.run("bot", "token", slug, "--remove")

    assert result.exit_code == 0
    assert [bot["token_state"] for bot in desk.objects("bot", "list")] == ["missing"]


def test_a_bot_may_be_prepared_without_a_token(desk: Desk) -> None:
    result = desk.run("bot", "add", "gulls", "--without-token")

    assert result.exit_code == 0
    assert [bot["token_state"] for bot in desk.objects("bot", "list")] == ["missing"]


def test_a_bot_is_removed_only_when_that_is_meant(desk: Desk) -> None:
    slug = desk.add_bot()

    hesitant = desk.run("bot", "remove", slug)
    kept = desk.objects("bot", "list")
    resolute = desk.run("bot", "remove", slug, "--yes")

    assert (hesitant.exit_code, len(kept)) == (2, 1)
    assert (resolute.exit_code, resolute.stdout) == (0, f"Removed {slug}.\n")
    assert desk.objects("bot", "list") == []


def test_somebody_elses_bot_is_out_of_reach(desk: Desk) -> None:
    slug = desk.add_bot()
    desk.become("ben")

    results = [
        desk.run("bot", "remove", slug, "--yes"),
        desk.run("bot", "remove", "terns-22222", "--yes"),
        desk.run("subscribers", "list", "--bot", slug),
    ]

    for result in results:
        assert result.exit_code == 2
        assert result.stderr == "skua: You have no access to such a bot.\n"
    assert desk.objects("bot", "list") == []


def test_without_a_public_url_updates_are_fetched() -> None:
    desk = Desk(World(public_url=None))

    result = desk.run("bot", "add", "gulls", typed=TOKEN.reveal())

    assert result.exit_code == 0
    assert "Its updates are fetched while `skua up` runs." in result.stdout
