"""Every problem has a page that says what it means and what to do."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path

import skua_http.app
from skua_core.errors import ErrorKind, SkuaError
from skua_http.problem_pages import explanations
from tests.unit.http.place import Place

# What the framework itself refuses with, named after the status.
OF_THE_FRAMEWORK = {
    "bad-request",
    "request-invalid",
    "not-found",
    "method-not-allowed",
    "request-timeout",
    "content-too-large",
    "unsupported-media-type",
    "service-unavailable",
    "internal-server-error",
}


def every_error(base: type[SkuaError] = SkuaError) -> Iterator[type[SkuaError]]:
    for error in base.__subclasses__():
        if error.__module__.startswith(("skua_core.", "skua_http.")):
            yield error
        yield from every_error(error)


def statuses_raised() -> set[str]:
    """Codes of the HTTPExceptions that our own modules raise."""
    found = set[str]()
    for path in Path(skua_http.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "HTTPStatus":
                status = HTTPStatus[node.attr]
                if status >= HTTPStatus.BAD_REQUEST:
                    found.add(status.name.lower().replace("_", "-"))
    return found - {"request-entity-too-large"}


def test_every_code_that_an_answer_may_carry_has_a_page() -> None:
    codes = {error.code for error in every_error() if error.kind is not ErrorKind.INTERNAL}
    of_kinds = {"unauthorized", "forbidden", "conflict", "too-many-requests"}

    assert codes | OF_THE_FRAMEWORK <= set(explanations())
    assert statuses_raised() - of_kinds <= set(explanations())


def test_no_page_explains_what_never_happens() -> None:
    codes = {error.code for error in every_error()}

    assert set(explanations()) <= codes | OF_THE_FRAMEWORK


async def test_a_page_says_what_it_means_and_what_to_do(place: Place) -> None:
    for code, explanation in explanations().items():
        answer = await place.client.get(f"/problems/{code}".encode())

        page = Texts()
        page.feed(answer.body.decode())
        assert answer.header("content-type") == "text/html; charset=utf-8"
        assert explanation.meaning in page.texts
        assert explanation.remedy in page.texts
        assert not page.inline


async def test_an_unknown_code_has_none(place: Place) -> None:
    answer = await place.client.get(b"/problems/%3Cscript%3E")

    assert (answer.status, answer.json["code"]) == (404, "not-found")
    assert b"script" not in answer.body


async def test_all_pages_are_listed(place: Place) -> None:
    answer = await place.client.get(b"/problems")

    listed = re.findall(rb'href="/problems/([a-z-]+)"', answer.body)
    assert [code.decode() for code in listed] == sorted(explanations())


class Texts(HTMLParser):
    """The words of a page, and whatever its policy would not let work."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style", "img", "iframe"} or {"style", "onclick"} & dict(attrs).keys():
            self.inline.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
