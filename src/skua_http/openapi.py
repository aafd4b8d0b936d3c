"""The OpenAPI document: what an operation may answer, and the whole of it."""

from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from importlib.metadata import version

import msgspec
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, Example, SecurityScheme
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from skua_core.errors import KeyNotAllowed, NotSignedIn, SkuaError, StorageUnavailable
from skua_core.errors import TooManyRequests as TooMany
from skua_http.allowed_ips import AddressNotAllowed
from skua_http.authentication import CredentialsAmbiguous
from skua_http.cookies import SESSION_COOKIE
from skua_http.problem_pages import explanations
from skua_http.problems import PROBLEM_JSON, STATUS, Problem, problem
from skua_http.same_origin import CrossOrigin

SIGNED_IN: list[dict[str, list[str]]] = [{"session": []}, {"api_key": []}]
BY_PERSON: list[dict[str, list[str]]] = [{"session": []}]

_ANYWHERE = (AddressNotAllowed, StorageUnavailable, TooMany)
_BEHIND_SIGN_IN = (NotSignedIn, CredentialsAmbiguous, KeyNotAllowed)
_OF_ANY = {"request-invalid": HTTPStatus.BAD_REQUEST}
_OF_BODIES = {
    "bad-request": HTTPStatus.BAD_REQUEST,
    "request-timeout": HTTPStatus.REQUEST_TIMEOUT,
    "content-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported-media-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
_DESCRIPTION = """Skua's interface. Every answer that isn't a success is a problem (RFC 9457) whose
`type` leads to a page that says what it means and what to do. Sign in with the cookie of a session
from a browser, or send an API key from a program."""


def problems(
    *errors: type[SkuaError], public: bool = False, safe: bool = False, body: bool = False
) -> dict[int, ResponseSpec]:
    """Every problem that an operation may answer, its own ``errors`` and those of all alike.

    ``public``: nobody has to sign in. ``safe``: it changes nothing. ``body``: it takes one.
    """
    own: list[type[SkuaError]] = [*_ANYWHERE, *errors]
    own += [] if public else _BEHIND_SIGN_IN
    own += [] if safe else [CrossOrigin]
    codes: dict[str, int] = {error.code: STATUS[error.kind] for error in own}
    codes |= {**_OF_ANY, **(_OF_BODIES if body else {})}
    codes["internal-server-error"] = HTTPStatus.INTERNAL_SERVER_ERROR
    by_status: dict[int, list[str]] = {}
    for code, status in sorted(codes.items()):
        by_status.setdefault(status, []).append(code)
    return {status: answer_of(status, by_status[status]) for status in sorted(by_status)}


def describe(routes: Sequence[HTTPRouteHandler]) -> HTTPRouteHandler:
    """The operation that answers with the document of all others.

    The document is made of an application of its own, once, when it is first asked for: Litestar's
    own way of serving it brings pages along that load scripts from elsewhere.
    """

    @cache
    def document() -> bytes:
        made = Litestar(route_handlers=routes, openapi_config=_config(), logging_config=None)
        schema = made.openapi_schema.to_schema()
        _close_requests(schema["components"]["schemas"])
        _name_examples(schema)
        return msgspec.json.encode(schema)

    @get("/api/openapi.json", include_in_schema=False, sync_to_thread=False)
    def openapi_document() -> Response[bytes]:
        """What this installation's interface is, for programs."""
        headers = {"Cache-Control": "public, max-age=300"}
        return Response(document(), media_type="application/json", headers=headers)

    return openapi_document


def answer_of(status: int, codes: Sequence[str]) -> ResponseSpec:
    """One of an operation's problems, or several with the same status."""
    return ResponseSpec(
        Problem,
        description=" ".join(f"`{code}`: {explanations()[code].meaning}" for code in codes),
        media_type=PROBLEM_JSON,
        generate_examples=False,
        examples=[Example(id=code, value=_example(status, code)) for code in codes],
    )


def _example(status: int, code: str) -> Mapping[str, object]:
    example: dict[str, object] = msgspec.to_builtins(
        problem(status, code, explanations()[code].meaning)
    )
    return example


def _close_requests(schemas: Mapping[str, dict[str, object]]) -> None:
    """Say that unknown fields are refused; Litestar doesn't look at that of a struct."""
    for name, schema in schemas.items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False


def _name_examples(part: object) -> None:
    """Take the id out of each example, of which Litestar makes its name but leaves it there."""
    if isinstance(part, list):
        for each in part:
            _name_examples(each)
    elif isinstance(part, dict):
        examples = part.get("examples")
        if isinstance(examples, dict):
            for example in examples.values():
                example.pop("id", None)
        for each in part.values():
            _name_examples(each)


def _config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Skua",
        version=version("skua"),
        description=_DESCRIPTION,
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        components=Components(
            security_schemes={
                "session": SecurityScheme(
                    type="apiKey",
                    name=SESSION_COOKIE,
                    security_scheme_in="cookie",
                    description="Set by signing in. Unsafe methods need proof of same origin too.",
                ),
                "api_key": SecurityScheme(
                    type="http", scheme="bearer", description="`skua_…`, made at /api/auth/api-keys"
                ),
            }
        ),
    )


def _operation_id(
    handler: HTTPRouteHandler, _: Method, __: list[str | PathParameterDefinition]
) -> str:
    return handler.handler_name
