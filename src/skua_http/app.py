"""The HTTP application."""

from dishka import AsyncContainer
from litestar import Litestar
from litestar.datastructures import State
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from skua_http.access_log import AccessLog
from skua_http.accounts.routes import ACCOUNT_ROUTES
from skua_http.allowed_ips import AllowedAddresses
from skua_http.api_docs.routes import API_DOCS
from skua_http.authentication import set_rolled_cookie
from skua_http.client_address import ClientAddress
from skua_http.cors import Cors
from skua_http.doors import Doors
from skua_http.health import healthz, readyz
from skua_http.methods import Methods
from skua_http.openapi import describe
from skua_http.problem_pages import PAGES
from skua_http.problems import HANDLERS, Problems
from skua_http.request_ids import RequestIds
from skua_http.same_origin import SameOrigin
from skua_http.security_headers import add_security_headers
from skua_http.settings import HttpSettings
from skua_http.slow_bodies import SlowBodies
from skua_http.webhooks.telegram import receive_telegram_update

BODY_LIMIT = 1_000_000
"""Bytes, where an operation doesn't say otherwise."""


def create_app(container: AsyncContainer, settings: HttpSettings | None = None) -> Litestar:
    """Everything that Skua serves over HTTP.

    ``container`` provides, for the whole life of the program: the use cases of accounts,
    AuthenticateWebhook, ReceiveUpdate, IntakeGate, ReadinessCheck, RateLimiter and
    Limits. Whoever made it also closes it.

    The application logs bugs, and each request without its address: a webhook's holds a secret,
    so the server mustn't log any either.
    """
    described = [*ACCOUNT_ROUTES, healthz, readyz]
    app = Litestar(
        route_handlers=[
            *described,
            describe(described),
            *PAGES,
            *API_DOCS,
            receive_telegram_update,
        ],
        state=State({"container": container}),
        exception_handlers=dict(HANDLERS),
        before_send=[set_rolled_cookie, add_security_headers],
        request_max_body_size=BODY_LIMIT,
        openapi_config=None,
        # Without these the environment decides (LITESTAR_DEBUG, LITESTAR_PDB), and Litestar sets
        # up logging for the whole process.
        debug=False,
        pdb_on_exception=False,
        logging_config=None,
    )
    # Around the router itself: Litestar's own middleware stands behind it, and sees no 404.
    methods = Methods(
        app.asgi_handler,
        {route.path_format: route.methods for route in app.routes if isinstance(route, HTTPRoute)},
    )
    app.asgi_handler = _behind_doors(SlowBodies(methods), settings or HttpSettings())
    return app


def _behind_doors(app: ASGIApp, settings: HttpSettings) -> ASGIApp:
    client_address = ClientAddress(settings.trusted_proxies)
    doors = Doors(
        app,
        client_address=client_address,
        allowed_addresses=AllowedAddresses(settings.allowed_networks),
        same_origin=SameOrigin(settings.public_url, settings.allowed_origins),
        cors=Cors(settings.allowed_origins),
    )
    return RequestIds(AccessLog(Problems(doors)), trusts=client_address.through_proxy)
