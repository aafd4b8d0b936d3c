"""A page for each problem: what it means, and what to do about it."""

import html
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from skua_http.security_headers import PAGE_POLICY

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} · Skua</title>
<link rel="stylesheet" href="/problems.css">
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
_STYLE = """:root { color-scheme: light dark; }
body { font: 1.1rem/1.6 system-ui, sans-serif; }
body { max-width: 38rem; margin: 4rem auto; padding: 0 1rem; }
code { font-size: 0.95em; }
"""
_HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "public, max-age=3600"}


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    meaning: str
    remedy: str


@cache
def explanations() -> dict[str, Explanation]:
    """By code, from the data file beside this module."""
    text = files("skua_http").joinpath("problem_pages.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Explanation])


def title_of(code: str) -> str:
    return code.replace("-", " ").capitalize()


@get("/problems", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def list_problems() -> Response[str]:
    """Every problem there is."""
    items = "\n".join(
        f'<li><a href="/problems/{code}">{html.escape(title_of(code))}</a></li>'
        for code in sorted(explanations())
    )
    return _page("Problems", f"<ul>\n{items}\n</ul>")


@get("/problems.css", include_in_schema=False, media_type=MediaType.CSS, sync_to_thread=False)
def problem_style() -> Response[str]:
    headers = {"Cache-Control": _HEADERS["Cache-Control"]}
    return Response(_STYLE, media_type=MediaType.CSS, headers=headers)


@get(
    "/problems/{code:str}",
    include_in_schema=False,
    media_type=MediaType.HTML,
    sync_to_thread=False,
)
def explain_problem(code: FromPath[str]) -> Response[str]:
    """What a problem's ``type`` points to."""
    explanation = explanations().get(code)
    if explanation is None:
        raise NotFoundException(detail="There is no such problem")
    return _page(
        title_of(code),
        f"<p>{html.escape(explanation.meaning)}</p>\n"
        f"<h2>What to do</h2>\n<p>{html.escape(explanation.remedy)}</p>\n"
        f'<p><code>{code}</code> · <a href="/problems">All problems</a></p>',
    )


def _page(title: str, body: str) -> Response[str]:
    text = _PAGE.format(title=html.escape(title), body=body)
    return Response(text, media_type=MediaType.HTML, headers=_HEADERS)


PAGES: list[Any] = [list_problems, problem_style, explain_problem]
