"""Lines for a person, clean of what could move a terminal: names and messages come from strangers.

Kept apart from ``output`` for --help, which needs no more than this.
"""

import sys

import rich_click as click

from skua_app.redaction import without_tokens

_JOINER = "\u200d"  # between the parts of an emoji


def say(line: str = "") -> None:
    """To standard output."""
    click.echo(line)


def note(line: str) -> None:
    """Beside the output: to standard error."""
    click.echo(line, err=True)


def tell(problem: str) -> None:
    """The one line on standard error that says what is wrong."""
    click.echo(f"skua: {without_tokens(one_line(problem))}", err=True)


def one_line(text: str) -> str:
    return clean(" ".join(text.split()))


def clean(text: str) -> str:
    """Without what would move the cursor, change colours or turn the line round."""
    return "".join(
        character if character.isprintable() or character == _JOINER else "\ufffd"
        for character in text
    )


def is_terminal() -> bool:
    return sys.stdout.isatty()
