"""Letters from templates, two of each kind: the text, whose first line is the subject, and HTML."""

from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError, select_autoescape

from skua_adapters.letter_renderer.values import one_line
from skua_core.domain.challenge import CODE_LIVES
from skua_core.domain.letter import Letter, Mail
from skua_core.ports.letter_renderer import LetterRenderer

_LONGEST = 120
"""Characters of what somebody has typed, or a browser says of itself."""


class JinjaLetterRenderer(LetterRenderer):
    """Templates are Skua's own, values anybody's: values are escaped, and never read as templates.

    The name that somebody gave themselves is in no letter. Whoever registers chooses both it and
    where the letter goes, and could have us mail their advertisement to strangers.
    """

    def __init__(self, *, site: str | None) -> None:
        """``site`` is the installation's address, if people can open one."""
        self._templates = Environment(
            loader=PackageLoader("skua_adapters.letter_renderer"),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"moment": _moment, "short": _short}
        self._templates.globals |= {
            "site": site,
            "minutes": int(CODE_LIVES.total_seconds() // 60),
            "ip": None,
            "user_agent": None,
        }

    def render(self, letter: Letter) -> Mail:
        facts = one_line(letter.facts)
        try:
            written = self._templates.get_template(f"{letter.kind}.txt").render(facts)
            html = self._templates.get_template(f"{letter.kind}.html").render(facts)
        except UndefinedError as error:
            raise ValueError(f"the template of {letter.kind}: {error.message}") from None
        subject, _, text = written.partition("\n")
        return Mail(
            to=letter.to,
            subject=subject.removeprefix("Subject: "),
            text=text.strip() + "\n",
            html=html,
        )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _moment(text: str) -> str:
    """Raises ValueError for what isn't in ISO 8601 with an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment without an offset")
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
