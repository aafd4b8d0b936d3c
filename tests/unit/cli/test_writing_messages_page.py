"""The commands on the page for operators do what the page shows."""

import re
import shlex
from pathlib import Path

import pytest

from tests.unit.cli.desk import Desk

PAGE = (Path(__file__).parents[3] / "docs" / "writing-messages.md").read_text()
SHOWN = re.findall(r"^\$ skua ((?:.*\\\n)*.*)\n((?:(?!\$ |```).*\n)*)", PAGE, re.MULTILINE)
BUTTONS = re.findall(r'^\| `"(.* = .*)"` \|', PAGE, re.MULTILINE)
FILES = {
    "gull.jpg": b"\xff\xd8\xff\xe0" + b"j" * 60,
    "gull.txt": b"a gull",
    "flight.mp4": b"\x00\x00\x00\x18ftypmp42",
    "hello.pt.html": "Olá {{ first_name }}".encode(),
    "hello.de.html": b"Hallo {{ first_name }}",
}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)


def test_the_page_has_commands_and_buttons() -> None:
    assert (len(SHOWN), len(BUTTONS)) == (7, 6)


@pytest.mark.parametrize(("words", "output"), SHOWN)
def test_a_command_on_the_page_shows_what_the_page_shows(
    ready_desk: Desk, words: str, output: str
) -> None:
    result = ready_desk.run(*shlex.split(words.replace("\\\n", " ")))

    assert result.exit_code == 0, result.stderr
    said = re.sub(r"gulls-\w+", "gulls-…", result.stdout)
    assert said.startswith(output)


@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_on_the_page_can_be_sent(ready_desk: Desk, button: str) -> None:
    result = ready_desk.run("broadcast", "send", "--text", "Hi", "--button", button)

    assert result.exit_code == 0, result.stderr


def test_an_unfit_file_is_told_as_on_the_page(ready_desk: Desk) -> None:
    (line,) = re.findall(r"^\| `(The photo 'gull.txt' .*)` \|", PAGE, re.MULTILINE)

    result = ready_desk.run("broadcast", "send", "--photo", "gull.txt")

    assert result.stderr.startswith(f"skua: {line}")
