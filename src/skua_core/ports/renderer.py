"""Port: parse what an operator wrote once, render it for one subscriber."""

from abc import abstractmethod
from typing import Protocol

from skua_core.domain.content import (
    CompiledMessage,
    MessageSource,
    Personalisation,
    RenderedMessage,
)


class Renderer(Protocol):
    """Turns a message source into a compiled message, and that into what leaves.

    Both methods are pure computation: same input, same output, no waiting. An implementation
    may be shared between tasks and threads, and may remember what it compiled, but never a
    subscriber's values.

    A slot holds an expression over ``first_name``, ``last_name``, ``username``, ``language`` and
    ``attributes.<name>``. Each implementation understands a name, a quoted text, and the filters
    ``default("…")``, ``upper``, ``lower`` and ``trim``, which mean the same everywhere; a compiled
    message that uses more is rendered by the implementation that compiled it. A missing value is
    an empty text, and ``default`` replaces an empty text.

    Values enter as text: whatever they hold, the entities cover what they covered in the source.
    What comes out is what arrives: characters that Telegram removes are gone already, and blanks
    at both ends are trimmed.
    """

    @abstractmethod
    def compile(self, source: MessageSource) -> CompiledMessage:
        """Parse and check a source.

        Raises MarkupInvalid, PlaceholderUnknown and ButtonInvalid, which say where; MediumUnfit,
        MessageUnfit, MessageEmpty and TooManyEntities; MessageTooLong when it is too long even with
        every value empty. VariantInvalid has the language of a wording and one of these as its
        cause.
        """

    @abstractmethod
    def render(self, compiled: CompiledMessage, values: Personalisation) -> RenderedMessage:
        """The wording of one subscriber's language, with their values in it.

        Returns the same object each time when that has no slots. Only a text is ever empty: a
        caption without a visible character is left out. Raises MessageTooLong and
        MessageEmpty when these values make the message so, and PlaceholderFailed when an
        expression can't be evaluated for them; each concerns this subscriber alone.
        """
