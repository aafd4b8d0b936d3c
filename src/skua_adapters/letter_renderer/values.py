"""Facts as they may stand in a mail."""

from collections.abc import Mapping


def one_line(facts: Mapping[str, str]) -> dict[str, str]:
    """Without what would begin a line, or a header, of its own."""
    return {
        name: "".join(each if each.isprintable() else " " for each in value)
        for name, value in facts.items()
    }
