"""What only a process that serves HTTP needs: the others don't wait for its imports."""

import asyncio

from dishka import Provider, Scope, provide

from skua_app.settings import Settings
from skua_core.errors import QueueUnavailable, QueueUnfit
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.platform_storage import PlatformStorage
from skua_http.health import QueueState, ReadinessCheck
from skua_http.settings import HttpSettings
from skua_http.webhooks.intake_gate import IntakeGate

_UPDATES_AT_ONCE = 40
"""As many as Telegram brings one bot at once when nothing else was agreed with it."""


_QUEUE_PATIENCE = 1.0
"""Seconds; less than /readyz has for everything."""


class StorageReadiness(ReadinessCheck):
    """Skua can work when its database answers."""

    def __init__(self, platform: PlatformStorage, queue: JobQueue) -> None:
        self._platform = platform
        self._queue = queue

    async def __call__(self) -> QueueState:
        await self._platform.find_by_public_id("")
        try:
            async with asyncio.timeout(_QUEUE_PATIENCE):
                await self._queue.check()
        except (QueueUnavailable, QueueUnfit, TimeoutError):
            return QueueState.AWAY
        return QueueState.OK


class HttpProvider(Provider):
    scope = Scope.APP
    readiness = provide(StorageReadiness, provides=ReadinessCheck)

    @provide
    def gate(self) -> IntakeGate:
        return IntakeGate(_UPDATES_AT_ONCE)


def http_settings(settings: Settings) -> HttpSettings:
    return HttpSettings(
        public_url=settings.skua_public_url,
        trusted_proxies=settings.skua_trusted_proxies,
        allowed_networks=settings.web_allowed_ips,
        allowed_origins=settings.skua_allowed_origins,
    )
