"""How handlers get what they call."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

from dishka import AsyncContainer
from dishka.integrations.base import wrap_injection
from litestar import Request

P = ParamSpec("P")
T = TypeVar("T")


def inject(handler: Callable[P, T]) -> Callable[P, T]:
    """Fill the ``FromDishka[...]`` parameters from the container that ``create_app`` was given.

    Unlike dishka's own integration this opens no scope per request: use cases live as long as the
    program and open their units themselves, and a scope costs every request, ``/healthz`` too.
    """
    request = Parameter("request", Parameter.KEYWORD_ONLY, annotation=Request[Any, Any, Any])
    return wrap_injection(
        func=handler,
        is_async=True,
        container_getter=_container_of,
        additional_params=[] if "request" in signature(handler).parameters else [request],
    )


def _container_of(_: tuple[Any, ...], named: dict[str, Any]) -> AsyncContainer:
    container: AsyncContainer = named["request"].app.state["container"]
    return container
