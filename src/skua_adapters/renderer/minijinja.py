"""Renderer whose slots are minijinja expressions, under fuel and with a short list of words.

What the common subset holds never reaches the engine. The rest is read into our own words first,
which leaves the engine no method calls, no functions and no arithmetic, and it is handed texts
only, so that an expression has no Python object to climb.
"""

import json
from enum import Enum

from minijinja import Environment, TemplateError

from skua_core.domain.content import (
    CompiledMessage,
    MessageSource,
    Personalisation,
    RenderedMessage,
)
from skua_core.domain.markup.cleaning import clean
from skua_core.domain.markup.common_subset import COMMON_FILTERS, as_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.domain.markup.errors import MarkupInvalid
from skua_core.domain.markup.expressions import (
    Evaluate,
    ExpressionFailed,
    Locate,
    Meaning,
    Word,
    WordKind,
    or_default,
    read_words,
    reader,
    required_by,
)
from skua_core.domain.markup.filling import SlotFiller
from skua_core.ports.renderer import Renderer

FILTERS = (*COMMON_FILTERS, "capitalize", "replace", "title")
_KEYWORDS = frozenset({"if", "else", "and", "or", "not", "in"})

_FUEL = 1000
"""Steps of the engine for one slot; the longest sensible one takes some dozens."""

_SAMPLE = Personalisation("Ana", "Lima", "ana_lima", "pt")


class MinijinjaRenderer(Renderer):
    def __init__(self) -> None:
        self._engine = _engine()
        self._filler = SlotFiller(self._understand)

    def compile(self, source: MessageSource) -> CompiledMessage:
        return compile_message(source, self._understand)

    def render(self, compiled: CompiledMessage, values: Personalisation) -> RenderedMessage:
        return self._filler.render(compiled, values)

    def _understand(self, expression: str, locate: Locate) -> Meaning:
        words = read_words(expression, locate)
        common = as_common_subset(words, locate)
        if common is not None:
            return common
        roles = _roles(words, locate)
        readers: dict[str, Evaluate] = {}
        for word, role in roles:
            if role is _Role.PLACEHOLDER:
                readers.setdefault(word.value, reader(word, locate))
        evaluate = self._evaluator(roles, readers)
        for values in (_SAMPLE, Personalisation()):
            try:
                evaluate(values)
            except ExpressionFailed as error:
                raise MarkupInvalid(
                    locate(words[0].offset),
                    f"this placeholder can't be read ({error})",
                    'Write it like {{ first_name | default("friend") }}',
                ) from error
        filters = [word.value for word, role in roles if role is _Role.FILTER]
        return Meaning(evaluate, required_by(readers, filters, evaluate))

    def _evaluator(
        self, roles: list[tuple[Word, "_Role"]], readers: dict[str, Evaluate]
    ) -> Evaluate:
        names = {placeholder: f"value_{index}" for index, placeholder in enumerate(readers)}
        template = f"{{{{ {' '.join(_for_engine(word, role, names) for word, role in roles)} }}}}"
        context = [(names[placeholder], read) for placeholder, read in readers.items()]
        engine = self._engine

        def evaluate(values: Personalisation) -> str:
            try:
                text = engine.render_str(template, **{name: read(values) for name, read in context})
            except TemplateError as error:
                raise ExpressionFailed(_reason(error)) from error
            except TypeError as error:
                raise ExpressionFailed("a filter was given the wrong arguments") from error
            return clean(text)

        return evaluate


class _Role(Enum):
    PLACEHOLDER = "placeholder"
    FILTER = "filter"
    OTHER = "other"
    """A quoted text, a number, a sign, or one of the few keywords."""


def _roles(words: list[Word], locate: Locate) -> list[tuple[Word, _Role]]:
    """Raises MarkupInvalid for a filter that isn't offered, and for anything called."""
    roles: list[tuple[Word, _Role]] = []
    for index, word in enumerate(words):
        role = _Role.OTHER
        if word.kind is WordKind.ATTRIBUTE:
            role = _Role.PLACEHOLDER
        elif word.kind is WordKind.NAME and word.value not in _KEYWORDS:
            is_filter = index > 0 and _is_sign(words[index - 1], "|")
            role = _Role.FILTER if is_filter else _Role.PLACEHOLDER
        if role is _Role.FILTER and word.value not in FILTERS:
            raise MarkupInvalid(
                locate(word.offset),
                f"there is no filter `{word.value}`",
                f"Known are {', '.join(FILTERS)}",
            )
        if _is_sign(word, "(") and roles and _is_value(*roles[-1]):
            raise MarkupInvalid(
                locate(word.offset), "nothing can be called here", "Only filters take arguments"
            )
        roles.append((word, role))
    return roles


def _is_sign(word: Word, sign: str) -> bool:
    return word.kind is WordKind.SIGN and word.value == sign


def _is_value(word: Word, role: _Role) -> bool:
    """Whether a value ends here, so that a parenthesis behind it would call it."""
    if word.kind is WordKind.SIGN:
        return word.value in {")", "]"}
    return role is not _Role.FILTER and not (word.kind is WordKind.NAME and word.value in _KEYWORDS)


def _for_engine(word: Word, role: _Role, names: dict[str, str]) -> str:
    if role is _Role.PLACEHOLDER:
        return names[word.value]
    return json.dumps(word.value, ensure_ascii=False) if word.kind is WordKind.TEXT else word.value


def _engine() -> Environment:
    engine = Environment(
        fuel=_FUEL,
        undefined_behavior="chainable",
        auto_escape_callback=lambda _: False,
        pycompat=False,
        debug=False,
    )
    # The common filters are ours, so that they mean the same inside the engine and outside.
    engine.add_filter("default", lambda value, text: or_default(_as_text(value), text))
    engine.add_filter("upper", lambda value: _as_text(value).upper())
    engine.add_filter("lower", lambda value: _as_text(value).lower())
    engine.add_filter("trim", lambda value: _as_text(value).strip())
    return engine


def _reason(error: TemplateError) -> str:
    if error.kind == "OutOfFuel":
        return "it takes too many steps, or makes too long a text"
    return error.detail or error.message


def _as_text(value: object) -> str:
    """What the engine would print; it hands over None for what isn't there."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
