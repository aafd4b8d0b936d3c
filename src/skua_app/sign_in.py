"""How people and programs show who they are."""

from datetime import timedelta

from dishka import Provider, Scope, provide, provide_all

from skua_adapters._keys.ring import KeyRing
from skua_adapters.session_tokens.jwt import JwtSessionTokens
from skua_app.settings import Settings
from skua_core.domain.session import SessionPolicy
from skua_core.ports.session_tokens import SessionTokens
from skua_core.use_cases.accounts.api_keys import (
    AuthenticateKey,
    CreateApiKey,
    ListApiKeys,
    RemoveApiKey,
)
from skua_core.use_cases.accounts.devices import ListDevices, RevokeDevice, RevokeDevices
from skua_core.use_cases.accounts.factor_check import FactorCheck
from skua_core.use_cases.accounts.login import Login
from skua_core.use_cases.accounts.login_permits import LoginPermits
from skua_core.use_cases.accounts.new_sessions import NewSessions
from skua_core.use_cases.accounts.second_factor import (
    BeginTotp,
    ConfirmTotp,
    NewRecoveryCodes,
    RemoveTotp,
)
from skua_core.use_cases.accounts.sessions import (
    Authenticate,
    EndOtherSessions,
    EndSession,
    ListSessions,
    Logout,
    StepUp,
)
from skua_core.use_cases.accounts.unlocking import Unlocking


class SignInProvider(Provider):
    scope = Scope.APP
    login = provide_all(Login, LoginPermits, Unlocking, FactorCheck, NewSessions)
    sessions = provide_all(Authenticate, Logout, ListSessions, EndSession, EndOtherSessions, StepUp)
    devices = provide_all(ListDevices, RevokeDevice, RevokeDevices)
    second_factor = provide_all(BeginTotp, ConfirmTotp, RemoveTotp, NewRecoveryCodes)
    api_keys = provide_all(AuthenticateKey, CreateApiKey, ListApiKeys, RemoveApiKey)

    @provide
    def tokens(self, ring: KeyRing, settings: Settings) -> SessionTokens:
        return JwtSessionTokens(ring, installation=settings.skua_public_url or "skua")

    @provide
    def policy(self, settings: Settings) -> SessionPolicy:
        return SessionPolicy(absolute=timedelta(days=settings.skua_session_absolute_days))
