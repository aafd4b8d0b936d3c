"""What every renderer understands: a placeholder or a quoted text, then filters."""

from collections.abc import Callable

from skua_core.domain.markup.errors import MarkupInvalid
from skua_core.domain.markup.expressions import (
    Evaluate,
    Locate,
    Meaning,
    Word,
    WordKind,
    or_default,
    read_words,
    reader,
    required_by,
)

_PLAIN_FILTERS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "trim": str.strip,
}
COMMON_FILTERS = ("default", *_PLAIN_FILTERS)


def understand_common_subset(expression: str, locate: Locate) -> Meaning:
    """Raises MarkupInvalid and PlaceholderUnknown."""
    words = read_words(expression, locate)
    meaning = as_common_subset(words, locate)
    if meaning is None:
        raise MarkupInvalid(
            locate(words[0].offset),
            f"`{expression.strip()}` is more than this installation understands",
            "Use one placeholder, then filters out of "
            'default("…"), upper, lower and trim, each after a |',
        )
    return meaning


def as_common_subset(words: list[Word], locate: Locate) -> Meaning | None:
    """None for what goes beyond the subset. Raises PlaceholderUnknown."""
    filters = _read_filters(words[1:])
    if filters is None:
        return None
    first = words[0]
    if first.kind is WordKind.TEXT:
        evaluate, placeholders = _constant(first.value), []
    elif first.kind in {WordKind.NAME, WordKind.ATTRIBUTE}:
        evaluate, placeholders = reader(first, locate), [first.value]
    else:
        return None
    for name, argument in filters:
        evaluate = _filtered(evaluate, name, argument)
    return Meaning(evaluate, required_by(placeholders, dict(filters), evaluate))


def _read_filters(words: list[Word]) -> list[tuple[str, str]] | None:
    """Name and argument of each filter; None if the words are anything else."""
    filters = []
    rest = [(word.kind, word.value) for word in words]
    while rest:
        match rest:
            case [(WordKind.SIGN, "|"), (WordKind.NAME, name), *rest] if name in _PLAIN_FILTERS:
                filters.append((name, ""))
            case [
                (WordKind.SIGN, "|"),
                (WordKind.NAME, "default"),
                (WordKind.SIGN, "("),
                (WordKind.TEXT, argument),
                (WordKind.SIGN, ")"),
                *rest,
            ]:
                filters.append(("default", argument))
            case _:
                return None
    return filters


def _constant(text: str) -> Evaluate:
    return lambda _: text


def _filtered(evaluate: Evaluate, name: str, argument: str) -> Evaluate:
    if name == "default":
        return lambda values: or_default(evaluate(values), argument)
    apply = _PLAIN_FILTERS[name]
    return lambda values: apply(evaluate(values))
