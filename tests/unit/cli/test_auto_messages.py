"""``skua auto-message``."""

from tests.unit.cli.desk import Desk


def add(desk: Desk, *words: str) -> dict[str, object]:
    (added,) = desk.objects("auto-message", "add", *words)
    return added


def test_start_and_keywords_are_answered(ready_desk: Desk) -> None:
    start = ready_desk.run("auto-message", "add", "--text", "Welcome, {{ first_name }}!")
    prices = add(ready_desk, "--keyword", "Prices", "--text", "From 3 €")

    assert "    Welcome, Ana!\n" in start.stdout
    assert start.stdout.endswith("Answers /start from now on.\n")
    assert (prices["trigger"], prices["keyword"]) == ("keyword", "prices")
    listed = ready_desk.objects("auto-message", "list")
    assert [each["keyword"] for each in listed] == [None, "prices"]


def test_adding_it_again_changes_the_answer(ready_desk: Desk) -> None:
    first = add(ready_desk, "--keyword", "prices", "--text", "From 3 €")

    second = add(ready_desk, "--keyword", "PRICES", "--text", "From 4 €")

    assert second == first
    assert len(ready_desk.objects("auto-message", "list")) == 1


def test_it_is_paused_resumed_and_removed(ready_desk: Desk) -> None:
    reference = str(add(ready_desk, "--keyword", "prices", "--text", "From 3 €")["auto_message"])

    paused = ready_desk.run("auto-message", "pause", reference)
    status = ready_desk.objects("auto-message", "list")[0]["status"]
    resumed = ready_desk.run("auto-message", "resume", reference)
    removed = ready_desk.run("auto-message", "remove", reference)

    assert paused.stdout == '"prices" isn\'t answered until it is resumed.\n'
    assert status == "paused"
    assert resumed.stdout == '"prices" is answered again.\n'
    assert removed.stdout == "Removed.\n"
    assert ready_desk.objects("auto-message", "list") == []


def test_what_cannot_be_is_refused_in_one_line(ready_desk: Desk) -> None:
    for words in (
        ("add", "--keyword", "/stop", "--text", "x"),
        ("add", "--keyword", "", "--text", "x"),
        ("add", "--keyword", "prices", "--text", "<b>"),
        ("pause", "nonsense"),
        ("remove", "018f3c4e-0000-7000-8000-000000000000"),
    ):
        result = ready_desk.run("auto-message", *words)

        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
    assert ready_desk.objects("auto-message", "list") == []
