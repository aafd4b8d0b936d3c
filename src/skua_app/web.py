"""What only a process that serves HTTP needs: the others don't wait for its imports."""

from dishka import Provider, Scope, provide

from skua_core.ports.platform_storage import PlatformStorage
from skua_http.health import ReadinessCheck
from skua_http.webhooks.intake_gate import IntakeGate

_UPDATES_AT_ONCE = 40
"""As many as Telegram brings one bot at once when nothing else was agreed with it."""


class StorageReadiness(ReadinessCheck):
    """Skua can work when its database answers."""

    def __init__(self, platform: PlatformStorage) -> None:
        self._platform = platform

    async def __call__(self) -> None:
        await self._platform.find_by_public_id("")


class HttpProvider(Provider):
    scope = Scope.APP
    readiness = provide(StorageReadiness, provides=ReadinessCheck)

    @provide
    def gate(self) -> IntakeGate:
        return IntakeGate(_UPDATES_AT_ONCE)
