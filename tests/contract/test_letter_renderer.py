"""What every LetterRenderer has to keep, and what the templates add to it."""

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import skua_adapters.letter_renderer
from skua_adapters.letter_renderer.in_process import InProcessLetterRenderer
from skua_adapters.letter_renderer.jinja import JinjaLetterRenderer
from skua_core.domain.letter import KNOWN_FACTS, NEEDED_FACTS, Letter, LetterKind
from skua_core.ports.letter_renderer import LetterRenderer

SITE = "https://skua.example"
FACTS = {
    "code": "12345678",
    "name": "Ana",
    "ip": "192.0.2.7",
    "user_agent": "Firefox",
    "at": "2026-11-23T22:05:00+00:00",
    "email": "new@example.org",
    "bot": "gulls-22222",
    "role": "editor",
    "inviter": "Ben",
    "url": "https://skua.example/invitations/abc?a=1&b=2",
}
WRITTEN = FACTS | {"at": "23 November 2026, 22:05 UTC"}
RENDERERS: dict[str, LetterRenderer] = {
    "in_process": InProcessLetterRenderer(),
    "jinja": JinjaLetterRenderer(site=SITE),
    "jinja, without an address of its own": JinjaLetterRenderer(site=None),
}
TEMPLATES = Path(skua_adapters.letter_renderer.__path__[0]) / "templates"


@pytest.fixture(params=RENDERERS)
def renderer(request: pytest.FixtureRequest) -> LetterRenderer:
    return RENDERERS[request.param]


def letter(kind: LetterKind, facts: Mapping[str, str] = FACTS) -> Letter:
    return Letter(to="ana@example.org", kind=kind, facts=facts)


class Seen(HTMLParser):
    """What of an HTML mail is text, and what isn't."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", LetterKind)
def test_every_letter_says_what_it_needs_to_in_text_and_in_html(
    renderer: LetterRenderer, kind: LetterKind
) -> None:
    mail = renderer.render(letter(kind))

    assert mail.to == "ana@example.org"
    assert mail.subject.strip() == mail.subject != ""
    for fact in NEEDED_FACTS[kind]:
        said = {FACTS[fact], WRITTEN[fact]}
        assert any(each in mail.text for each in said), fact
        assert any(each in Seen(mail.html).text for each in said), fact


@pytest.mark.parametrize("kind", LetterKind)
def test_a_letter_needs_nothing_more(renderer: LetterRenderer, kind: LetterKind) -> None:
    needed = {name: FACTS[name] for name in NEEDED_FACTS[kind]}

    mail = renderer.render(letter(kind, needed))

    for text in (mail.subject, mail.text, mail.html):
        assert "None" not in text
        assert "{{" not in text


@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize(
    "nasty",
    [
        "<img src=https://evil.example/x>",
        '"><script>x</script>',
        "' onload='x",
        "{{ 7 * 7 }}{% for x in y %}",
        "&lt;b&gt;",
    ],
)
def test_what_people_typed_stays_text(
    renderer: LetterRenderer, kind: LetterKind, nasty: str
) -> None:
    plain = renderer.render(letter(kind))
    typed = dict.fromkeys(KNOWN_FACTS - {"at"}, nasty) | {"at": FACTS["at"]}

    mail = renderer.render(letter(kind, typed))

    seen, usual = Seen(mail.html), Seen(plain.html)
    assert seen.tags == usual.tags
    assert [name for name, _ in seen.attributes] == [name for name, _ in usual.attributes]
    assert "49" not in mail.text
    for name in NEEDED_FACTS[kind] - {"at"}:
        assert nasty in mail.text, name
        assert nasty in seen.text, name


@given(
    kind=st.sampled_from(LetterKind),
    typed=st.text(max_size=40),
    line_break=st.sampled_from("\r\n\x0b\x0c\x1c\x85\u2028\x00\x1b"),
)
def test_no_fact_begins_a_line_of_its_own(kind: LetterKind, typed: str, line_break: str) -> None:
    evil = f"{typed}{line_break}Bcc: eve@example.org"
    facts = dict.fromkeys(KNOWN_FACTS - {"at"}, evil) | {"at": FACTS["at"]}

    for renderer in RENDERERS.values():
        mail = renderer.render(letter(kind, facts))

        assert mail.subject.isprintable()
        assert line_break == "\n" or line_break not in mail.text
        assert not any(line.startswith("Bcc:") for line in mail.text.splitlines())


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-23T22:05:00", ""])
def test_a_moment_that_cannot_be_read_is_a_defect(moment: str) -> None:
    with pytest.raises(ValueError, match=r"moment|isoformat"):
        RENDERERS["jinja"].render(letter(LetterKind.PASSWORD_CHANGED, {"at": moment}))


def test_a_letter_without_what_it_needs_cannot_be_written() -> None:
    with pytest.raises(ValueError, match=r"verify-email: misses \['code'\]"):
        letter(LetterKind.VERIFY_EMAIL, {})
    with pytest.raises(ValueError, match=r"unknown \['kode'\]"):
        letter(LetterKind.NO_ACCOUNT, {"kode": "12345678"})


# The templates


@pytest.mark.parametrize("kind", LetterKind)
def test_html_brings_nothing_from_elsewhere_and_runs_nothing(kind: LetterKind) -> None:
    seen = Seen(RENDERERS["jinja"].render(letter(kind)).html)

    assert set(seen.tags) <= {"html", "head", "meta", "title", "body", "div", "p", "a"}
    assert {name for name, _ in seen.attributes} <= {
        "lang",
        "charset",
        "name",
        "content",
        "style",
        "href",
    }
    assert "url(" not in "".join(value or "" for _, value in seen.attributes)


@pytest.mark.parametrize("kind", LetterKind)
def test_text_and_html_say_the_same(kind: LetterKind) -> None:
    mail = RENDERERS["jinja"].render(letter(kind))
    body = Seen(mail.html.partition("<body")[2]).text.partition(">")[2]

    assert words(mail.text.replace("\n--\n", "\n")) == words(body)


def words(text: str) -> list[str]:
    return re.findall(r"[\w'&./:?=@<>-]+", html.unescape(text))


@pytest.mark.parametrize("kind", LetterKind)
def test_lines_of_text_fit_a_terminal(kind: LetterKind) -> None:
    facts = {name: FACTS[name] for name in NEEDED_FACTS[kind]}

    text = RENDERERS["jinja"].render(letter(kind, facts)).text

    assert max(len(line) for line in text.splitlines()) <= 90
    assert "\n\n\n" not in text


def test_a_code_is_copied_as_one_number() -> None:
    mail = RENDERERS["jinja"].render(letter(LetterKind.VERIFY_EMAIL))

    assert ">12345678<" in mail.html
    assert "12345678" in [line.strip() for line in mail.text.splitlines()]
    assert "12345678" not in mail.subject


@pytest.mark.parametrize("kind", LetterKind)
def test_nobody_puts_a_name_of_their_choice_into_a_strangers_mail(kind: LetterKind) -> None:
    facts = FACTS | {"name": "BUY GULLS AT evil.example"}

    mail = RENDERERS["jinja"].render(letter(kind, facts))

    assert "BUY GULLS" not in mail.subject + mail.text + mail.html


def test_what_a_browser_says_of_itself_is_cut_short() -> None:
    facts = {"at": FACTS["at"], "user_agent": "Firefox" * 100}

    text = RENDERERS["jinja"].render(letter(LetterKind.NEW_DEVICE, facts)).text

    assert "Firefox" * 15 in text
    assert "Firefox" * 20 not in text


def test_each_kind_has_two_templates_and_there_is_no_other() -> None:
    shared = {f"{name}.{sort}" for name in ("layout", "parts") for sort in ("txt", "html")}
    kinds = {f"{kind}.{sort}" for kind in LetterKind for sort in ("txt", "html")}

    assert {path.name for path in TEMPLATES.iterdir()} == shared | kinds
