"""``skua subscribers``."""

import csv
import io

from tests.unit.cli.desk import LIST, Desk


def test_a_list_is_imported_from_standard_input(desk: Desk) -> None:
    desk.add_bot()

    result = desk.run("subscribers", "import", "-", typed=LIST)

    assert result.exit_code == 0
    assert result.stdout == "3 lines: 3 added, 0 there already, 0 refused.\n"


def test_lines_that_are_no_chats_are_refused_by_number_and_the_rest_is_in(desk: Desk) -> None:
    desk.add_bot()

    result = desk.run("subscribers", "import", "-", typed="chat_id\n1\nfoo\n2\n0\n")

    assert result.exit_code == 1
    assert result.stdout == "4 lines: 2 added, 0 there already, 2 refused.\n"
    why = "its chat_id isn't a Telegram chat id"
    assert result.stderr == f"line 3: {why}\nline 5: {why}\n"
    assert [each["chat_id"] for each in desk.objects("subscribers", "list")] == [1, 2]


def test_a_program_reads_what_became_of_each_line(desk: Desk) -> None:
    desk.add_bot()

    objects = desk.objects("subscribers", "import", "-", typed="chat_id\n1\n1\nfoo\n")

    assert objects == [
        {"refused_line": 4, "reason": "its chat_id isn't a Telegram chat id"},
        {"lines": 3, "added": 1, "already_there": 1, "refused": 1},
    ]


def test_of_many_refusals_the_first_are_shown(desk: Desk) -> None:
    desk.add_bot()

    result = desk.run("subscribers", "import", "-", typed="chat_id\n" + "x\n" * 30)

    assert len(result.stderr.splitlines()) == 21
    assert result.stderr.splitlines()[-1].startswith("… and 10 more")


def test_a_file_that_is_no_list_imports_nothing(desk: Desk) -> None:
    desk.add_bot()

    result = desk.run("subscribers", "import", "-", typed="name\nAna\n")

    assert result.exit_code == 2
    assert result.stderr == (
        "skua: This file can't be imported: its header names no column chat_id. Nothing was "
        "imported.\n"
    )


def test_a_file_that_is_not_there_is_named(desk: Desk) -> None:
    desk.add_bot()

    result = desk.run("subscribers", "import", "nowhere.csv")

    assert result.exit_code == 2
    assert "nowhere.csv" in result.stderr
    assert result.stderr.startswith("skua: ")
    assert result.stderr.count("\n") == 1


def test_no_cell_of_the_list_computes_or_breaks_a_line(desk: Desk) -> None:
    desk.add_bot()
    names = ["=1+1", "+1", "@x", "-1+2", "\x1b[31mred", "a\u202eb"]
    lines = "".join(f"{number},{name}\n" for number, name in enumerate(names, start=1))
    desk.add_subscribers(f"chat_id,first_name\n{lines}-100,Group\n".encode())

    result = desk.run("subscribers", "list")

    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["first_name"] for row in rows] == [
        *("'=1+1", "'+1", "'@x", "'-1+2"),
        *("\ufffd[31mred", "a\ufffdb", "Group"),
    ]
    assert rows[-1]["chat_id"] == "-100"
    assert len(result.stdout.splitlines()) == len(names) + 2


def test_a_long_list_is_cut_where_it_was_asked_to_be(ready_desk: Desk) -> None:
    shown = ready_desk.objects("subscribers", "list", "--limit", "2")
    everybody = ready_desk.objects("subscribers", "list", "--all")

    assert [each["chat_id"] for each in shown] == [1, 2]
    assert [each["chat_id"] for each in everybody] == [1, 2, 3]


def test_subscribers_are_found_by_status_and_name(ready_desk: Desk) -> None:
    found = ready_desk.objects("subscribers", "list", "--search", "ben", "--status", "active")

    assert [each["first_name"] for each in found] == ["Ben"]
    assert ready_desk.objects("subscribers", "list", "--status", "blocked") == []


def test_which_bot_must_be_said_only_when_there_are_several(desk: Desk) -> None:
    none = desk.run("subscribers", "list")
    first = desk.add_bot()
    one = desk.run("subscribers", "list")
    desk.run("bot", "add", "terns", "--without-token")
    several = desk.run("subscribers", "list")

    assert none.stderr == "skua: You have no bot yet. Connect one with `skua bot add`.\n"
    assert one.exit_code == 0
    assert several.exit_code == 2
    assert several.stderr.startswith("skua: You have 2 bots; say with --bot which one: gulls-")
    assert desk.run("subscribers", "list", "--bot", first).exit_code == 0
