"""Letters as plain lists of their facts, where no template engine is installed."""

from html import escape

from skua_adapters.letter_renderer.values import one_line
from skua_core.domain.letter import Letter, Mail
from skua_core.ports.letter_renderer import LetterRenderer


class InProcessLetterRenderer(LetterRenderer):
    def render(self, letter: Letter) -> Mail:
        facts = one_line(letter.facts)
        text = "".join(f"{name}: {value}\n" for name, value in sorted(facts.items()))
        return Mail(
            to=letter.to,
            subject=letter.kind.replace("-", " ").capitalize(),
            text=text,
            html=f"<pre>{escape(text)}</pre>",
        )
