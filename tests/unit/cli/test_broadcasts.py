"""``skua broadcast``."""

import csv
import io
from pathlib import Path

import pytest

from skua_core.domain.delivery import DeliveryStatus, Reason
from tests.unit.cli.desk import Desk
from tests.unit.use_cases.world import TOKEN

SENT_SO = {
    2: (DeliveryStatus.FAILED, Reason.BLOCKED),
    3: (DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER),
}


def test_what_will_be_sent_and_to_how_many_is_shown(ready_desk: Desk) -> None:
    ready_desk.add_subscribers(b"chat_id\n4\n")
    result = ready_desk.run(
        *("broadcast", "send", "--text", "Hi <b>{{ first_name }}</b>"),
        *("--button", "See=https://example.org/?a=b"),
    )

    assert result.exit_code == 0
    assert "    Hi Ana\n    [ See ] https://example.org/?a=b\n" in result.stdout
    assert "To 4 subscribers, in about 1 s.\n" in result.stdout
    assert "It leaves a gap for 1 who have no first_name.\n" in result.stdout


def test_a_broadcast_is_queued_with_a_word_of_what_is_missing(ready_desk: Desk) -> None:
    result = ready_desk.run("broadcast", "send", "--text", "Hello")

    assert result.exit_code == 0
    last = result.stdout.splitlines()[-1]
    assert last.endswith("is queued, and nobody sends yet: start `skua up` to send it.")


def test_a_program_gets_the_broadcasts_id(ready_desk: Desk) -> None:
    (sent,) = ready_desk.objects("broadcast", "send", "--text", "Hello")

    assert (sent["status"], sent["recipients"]) == ("sending", 3)
    assert ready_desk.objects("broadcast", "list")[0]["broadcast"] == sent["broadcast"]


def test_the_message_may_come_from_a_file_or_from_standard_input(
    ready_desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "hello.html"
    file.write_text("From a file: ✓", encoding="utf-8")

    from_file = ready_desk.run("broadcast", "send", "--file", str(file))
    ready_desk.deliver({})
    from_stdin = ready_desk.run("broadcast", "send", "--file", "-", typed="From stdin: ✓")

    assert "    From a file: ✓\n" in from_file.stdout
    assert "    From stdin: ✓\n" in from_stdin.stdout


def test_a_file_that_is_no_text_is_refused(ready_desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "picture"
    file.write_bytes(b"\xff\xfe\x00")

    result = ready_desk.run("broadcast", "send", "--file", str(file))

    assert result.exit_code == 2
    assert "isn't UTF-8 text" in result.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--text", "x" * 4097], "skua: The message has 4097 characters as Telegram counts them "),
        (["--text", "<b>Hi"], "skua: Line 1, column 1: `<b>` is never closed."),
        (["--text", "{{ name }}"], "skua: Line 1, column 4: there is no placeholder `name`."),
        (["--text", " "], "skua: The message has no visible text"),
        (["--text", "Hi", "--button", "x"], "skua: Invalid value for '--button': 'x' is not"),
        ([], "skua: Give the message with --text or with --file, one of them."),
    ],
    ids=["too long", "broken markup", "unknown placeholder", "empty", "button", "nothing"],
)
def test_a_message_that_cannot_be_sent_is_refused_and_nothing_is_kept(
    ready_desk: Desk, words: list[str], line: str
) -> None:
    before = dict(ready_desk.world.memory.audit.rows)

    result = ready_desk.run("broadcast", "send", *words)

    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert dict(ready_desk.world.memory.audit.rows) == before


def test_a_broadcast_to_nobody_is_refused(desk: Desk) -> None:
    desk.add_bot()

    result = desk.run("broadcast", "send", "--text", "Hello")

    assert result.exit_code == 2
    assert result.stderr == (
        "skua: Nobody would get this: the audience has no active subscriber.\n"
    )


def test_a_bot_without_a_token_sends_nothing(ready_desk: Desk) -> None:
    slug = ready_desk.objects("bot", "list")[0]["slug"]
    ready_desk.run("bot", "token", slug, "--remove")

    result = ready_desk.run("broadcast", "send", "--text", "Hello")

    assert result.exit_code == 2
    assert result.stderr == (
        f"skua: Bot {slug} has no working token (it is missing). Set one first.\n"
    )


def test_two_at_once_are_refused(ready_desk: Desk) -> None:
    ready_desk.send()

    result = ready_desk.run("broadcast", "send", "--text", "Another")

    assert result.exit_code == 2
    assert result.stderr == (
        "skua: A broadcast of this bot is being sent. Pause it, or wait for its end.\n"
    )


def test_the_same_message_is_sent_again_only_with_repeat(ready_desk: Desk) -> None:
    ready_desk.send("Hello")
    ready_desk.deliver({})

    again = ready_desk.run("broadcast", "send", "--text", "Hello")
    repeated = ready_desk.run("broadcast", "send", "--text", "Hello", "--repeat")

    assert again.exit_code == 2
    assert again.stderr.startswith("skua: Revision 1 of this campaign was broadcast at ")
    assert repeated.exit_code == 0


def test_another_wording_under_the_same_name_is_another_message(ready_desk: Desk) -> None:
    ready_desk.run("broadcast", "send", "--name", "News", "--text", "Monday")
    ready_desk.deliver({})

    result = ready_desk.run("broadcast", "send", "--name", "News", "--text", "Tuesday")

    assert result.exit_code == 0
    assert [each["revision"] for each in ready_desk.objects("broadcast", "list")] == [2, 1]


def test_paying_tells_the_price(ready_desk: Desk) -> None:
    lines = "".join(f"{chat}\n" for chat in range(100, 1097))
    ready_desk.add_subscribers(f"chat_id\n{lines}".encode())

    ready_desk.world.api.give_stars(TOKEN, 10_000)
    result = ready_desk.run("broadcast", "send", "--text", "Hello", "--paid")

    assert "To 1,000 subscribers, in about 1 s.\n" in result.stdout
    assert "Telegram charges up to about 97 Stars for it; the bot has 10,000.\n" in result.stdout


def test_a_paid_broadcast_on_a_bot_without_stars_is_refused(ready_desk: Desk) -> None:
    result = ready_desk.run("broadcast", "send", "--text", "Hello", "--paid")

    assert result.exit_code == 2
    assert result.stderr == "skua: This can't be sent: the bot has 0 Stars, and 10000 are needed.\n"
    assert ready_desk.objects("broadcast", "list") == []


def test_whoever_is_left_gets_another_wording(ready_desk: Desk) -> None:
    ready_desk.send("Helo")
    ready_desk.run("broadcast", "pause")

    reworded = ready_desk.objects("broadcast", "reword", "--text", "Hello")
    resumed = ready_desk.run("broadcast", "resume", "--newest")
    ready_desk.deliver({})

    assert reworded[0]["revision"] == 2
    assert resumed.exit_code == 0
    (bot_id,) = ready_desk.world.memory.bots.rows
    (broadcast,) = ready_desk.world.memory.tenants[bot_id].broadcasts.rows.values()
    assert (broadcast.revision, broadcast.former_revisions) == (2, (1,))
    assert broadcast.counts.sent == 3


def test_those_of_whom_nobody_knows_get_it_again(ready_desk: Desk) -> None:
    ready_desk.send()
    ready_desk.deliver(SENT_SO)

    unsaid = ready_desk.run("broadcast", "resend")
    unsure = ready_desk.run("broadcast", "resend", "--uncertain")
    again = ready_desk.run("broadcast", "resend", "--failed", "--uncertain", "--yes")
    twice = ready_desk.run("broadcast", "resend", "--failed")

    assert (unsaid.exit_code, unsure.exit_code) == (2, 2)
    assert "Some may get it twice: add --yes if you mean it." in unsure.stderr
    assert again.stdout.startswith("2 recipients will be sent to again.\n")
    assert twice.exit_code == 2


def test_a_test_goes_to_ones_own_chat_once_it_is_linked(ready_desk: Desk) -> None:
    unlinked = ready_desk.run("broadcast", "send", "--text", "Hello", "--test")
    (link,) = ready_desk.objects("bot", "link")
    ready_desk.press_start(1, str(link["code"]))
    linked = ready_desk.run("broadcast", "send", "--text", "Hello", "--test")

    assert unlinked.exit_code == 2
    assert "Link it first" in unlinked.stderr
    assert linked.stdout == (
        "The test is queued, and nobody sends yet: start `skua up` to send it.\n"
    )
    assert ready_desk.objects("broadcast", "list") == []


def test_a_broadcast_is_paused_resumed_and_cancelled(ready_desk: Desk) -> None:
    broadcast_id = ready_desk.send()

    results = [
        ready_desk.run("broadcast", "pause"),
        ready_desk.run("broadcast", "pause", broadcast_id),
        ready_desk.run("broadcast", "resume", broadcast_id),
        ready_desk.run("broadcast", "cancel"),
    ]

    assert [result.exit_code for result in results] == [0, 2, 0, 0]
    assert results[1].stderr == "skua: A broadcast that is paused can't be paused.\n"
    assert [each["status"] for each in ready_desk.objects("broadcast", "list")] == ["cancelled"]


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "report", "watch"])
def test_a_broadcast_that_is_not_there_is_one_refusal(ready_desk: Desk, verb: str) -> None:
    never = ready_desk.run("broadcast", verb)
    unknown = ready_desk.run("broadcast", verb, "0190a5a0-0000-7000-8000-000000000000")
    malformed = ready_desk.run("broadcast", verb, "yesterday's")

    assert "has sent no broadcast yet." in never.stderr
    assert unknown.stderr == malformed.stderr == "skua: No such resource in this bot.\n"
    assert {never.exit_code, unknown.exit_code, malformed.exit_code} == {2}


def test_watching_ends_with_the_broadcast(ready_desk: Desk) -> None:
    ready_desk.alone = False
    ready_desk.send()
    ready_desk.deliver(SENT_SO)

    result = ready_desk.run("broadcast", "watch")
    objects = ready_desk.objects("broadcast", "watch")

    assert result.exit_code == 0
    assert result.stdout == "3 of 3; sent 1, failed 1, uncertain 1; completed\n"
    assert objects[-1]["status"] == "completed"
    counted = [objects[-1][name] for name in ("sent", "failed", "skipped", "uncertain")]
    assert sum(counted) == objects[-1]["recipients"] == 3


def test_watching_one_that_was_stopped_is_no_success(ready_desk: Desk) -> None:
    ready_desk.alone = False
    ready_desk.send()
    ready_desk.run("broadcast", "pause")

    result = ready_desk.run("broadcast", "watch")

    assert result.exit_code == 1
    assert result.stdout.endswith("paused: somebody paused it\n")


def test_watching_what_nobody_sends_does_not_hang(ready_desk: Desk) -> None:
    ready_desk.send()

    result = ready_desk.run("broadcast", "watch")
    sent = ready_desk.run("broadcast", "cancel", "--yes")
    watched = ready_desk.run("broadcast", "send", "--text", "Hi", "--watch")

    for each in (result, watched):
        assert each.exit_code == 1
        assert "Nobody sends while `skua up` isn't running" in each.stderr
    assert sent.exit_code == 0


def test_a_report_names_each_outcome_with_its_reason(ready_desk: Desk) -> None:
    broadcast_id = ready_desk.send()
    ready_desk.deliver(SENT_SO)

    shown = ready_desk.run("broadcast", "report")
    (told,) = ready_desk.objects("broadcast", "report", broadcast_id)

    assert "blocked\t1\thas blocked the bot\n" in shown.stdout
    assert "no_answer\t1\tTelegram gave no answer; it may have arrived\n" in shown.stdout
    assert told["reasons"] == {"blocked": 1, "no_answer": 1}
    assert (told["sent"], told["failed"], told["uncertain"], told["recipients"]) == (1, 1, 1, 3)


def test_everybody_is_listed_with_what_became_of_them(ready_desk: Desk) -> None:
    ready_desk.send()
    ready_desk.deliver(SENT_SO)

    result = ready_desk.run("broadcast", "report", "--recipients")
    objects = ready_desk.objects("broadcast", "report", "--recipients")

    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    expected = [("1", "sent", ""), ("2", "failed", "blocked"), ("3", "uncertain", "no_answer")]
    assert [(row["chat_id"], row["status"], row["reason"]) for row in rows] == expected
    assert [each["chat_id"] for each in objects] == [1, 2, 3]
