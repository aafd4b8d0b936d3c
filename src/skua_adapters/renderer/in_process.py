"""Renderer on the standard library alone, for the common subset of expressions."""

from skua_core.domain.content import (
    CompiledMessage,
    MessageSource,
    Personalisation,
    RenderedMessage,
)
from skua_core.domain.markup.common_subset import understand_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.domain.markup.filling import SlotFiller
from skua_core.ports.renderer import Renderer


class InProcessRenderer(Renderer):
    def __init__(self) -> None:
        self._filler = SlotFiller(understand_common_subset)

    def compile(self, source: MessageSource) -> CompiledMessage:
        return compile_message(source, understand_common_subset)

    def render(self, compiled: CompiledMessage, values: Personalisation) -> RenderedMessage:
        return self._filler.render(compiled, values)
