"""The HTTP application."""

from dishka import AsyncContainer
from litestar import Litestar
from litestar.datastructures import State

from skua_http.health import healthz, readyz
from skua_http.problems import HANDLERS
from skua_http.security_headers import add_security_headers
from skua_http.webhooks.telegram import receive_telegram_update


def create_app(container: AsyncContainer) -> Litestar:
    """Everything that Skua serves over HTTP.

    ``container`` provides, for the whole life of the program: AuthenticateWebhook, ReceiveUpdate,
    IntakeGate and ReadinessCheck. Whoever made it also closes it.

    The application logs bugs and nothing else. No address may be logged by the server either: a
    webhook's holds a secret.
    """
    return Litestar(
        route_handlers=[healthz, readyz, receive_telegram_update],
        state=State({"container": container}),
        exception_handlers=dict(HANDLERS),
        before_send=[add_security_headers],
        openapi_config=None,
        # Without these the environment decides (LITESTAR_DEBUG, LITESTAR_PDB), and Litestar sets
        # up logging for the whole process.
        debug=False,
        pdb_on_exception=False,
        logging_config=None,
    )
