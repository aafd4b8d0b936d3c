"""Every operation of the account."""

from litestar.handlers import HTTPRouteHandler

from skua_http.accounts.account import erase_account, export_account
from skua_http.accounts.api_keys import create_api_key, list_api_keys, remove_api_key
from skua_http.accounts.devices import list_devices, revoke_device, revoke_devices
from skua_http.accounts.login import log_in, log_out, step_up, who_am_i
from skua_http.accounts.passwords import (
    change_email,
    change_password,
    confirm_email,
    forget_password,
    reset_password,
)
from skua_http.accounts.registration import register, resend_code, verify_registration
from skua_http.accounts.second_factor import (
    begin_totp,
    confirm_totp,
    make_recovery_codes,
    remove_totp,
)
from skua_http.accounts.sessions import end_other_sessions, end_session, list_sessions

ACCOUNT_ROUTES: list[HTTPRouteHandler] = [
    register,
    resend_code,
    verify_registration,
    log_in,
    log_out,
    who_am_i,
    forget_password,
    reset_password,
    change_password,
    change_email,
    confirm_email,
    list_sessions,
    end_session,
    end_other_sessions,
    list_devices,
    revoke_device,
    revoke_devices,
    begin_totp,
    confirm_totp,
    remove_totp,
    make_recovery_codes,
    list_api_keys,
    create_api_key,
    remove_api_key,
    step_up,
    export_account,
    erase_account,
]
