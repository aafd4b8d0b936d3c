"""Secrets where none belong, and everything behind the server taken away."""

import asyncio
import base64
from collections.abc import Callable
from urllib.parse import quote

from tests.e2e.http.canary_browser import BROKEN_OFF, Body, Browser
from tests.e2e.http.canary_installation import HOST, Installation

LOGIN = "/api/auth/login"


async def misplace_secrets(scene: Installation, browser: Browser) -> None:
    """Each is another, so that a finding says where it came from."""
    await _in_bodies(scene, browser)
    await _in_addresses(scene, browser)
    await _in_headers(scene, browser)
    await _in_what_is_hardly_http(scene)


async def _in_bodies(scene: Installation, browser: Browser) -> None:
    email, made = "wren@example.org", scene.canaries.made
    bodies: dict[str, Callable[[str], Body]] = {
        "cut off": lambda secret: f'{{"email": "{email}", "password": "{secret}"'.encode(),
        "a form": lambda secret: f"password={secret}".encode(),
        "bare": lambda secret: f'"{secret}"'.encode(),
        "twice": lambda secret: f'{{"password":"{secret}","password":"{secret}"}}'.encode(),
        "bad letters": lambda secret: f'{{"password":"{secret}'.encode() + b'\xff"}',
        "deep": lambda secret: b'{"password":' + b"[" * 5000 + secret.encode(),
        "a list": lambda secret: {"email": email, "password": [secret]},
        "an object": lambda secret: {"email": email, "password": {"value": secret}},
        "too long": lambda secret: {"email": email, "password": secret * 30},
        "as an address": lambda secret: {"email": secret, "password": secret},
        "as a long address": lambda secret: {"email": f"{secret}@{'a' * 300}", "password": secret},
        "as a name": lambda secret: {"email": email, secret: 1},
        "as a code": lambda secret: {"email": email, "password": "x" * 12, "totp": secret * 3},
        "huge": lambda secret: f'{{"password": "{secret * 30_000}"}}'.encode(),
    }
    for name, make in bodies.items():
        body = make(made(f"in a body, {name}"))
        answer = await browser.post(LOGIN, body, expect={400, 401, 413, BROKEN_OFF})
        # Whoever sends a field that there isn't is told its name.
        scene.canaries.tell(answer.place, "in a body, as a name")
    for path in ("register", "verify", "resend", "password/forgot", "password/reset"):
        secret = made(f"in {path}")
        await browser.post(f"/api/auth/{path}", {"code": secret, "password": secret}, expect=400)
    secret = made("in a body of another type")
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        f"application/{secret}",
        secret,
    ):
        headers = {"Content-Type": kind}
        await browser.call("POST", LOGIN, secret.encode(), expect={400, 415}, headers=headers)
    headers = {"Content-Encoding": "gzip"}
    await browser.call("POST", LOGIN, secret.encode(), expect={400, 415}, headers=headers)


async def _in_addresses(scene: Installation, browser: Browser) -> None:
    made = scene.canaries.made
    for name, path in (
        ("path", "/{}"),
        ("path of the interface", "/api/{}"),
        ("path of a problem", "/problems/{}"),
        ("path of a webhook", "/webhooks/telegram/{}"),
        ("path of a webhook's tag", "/webhooks/telegram/abcd/{}"),
        ("path of a session", "/api/auth/sessions/{}"),
        ("query", "/api/auth/me?password={}"),
        ("query's name", "/api/auth/sessions?{}=1"),
        ("limit", "/api/auth/sessions?limit={}"),
        ("cursor", "/api/auth/sessions?cursor={}"),
        ("path beside", "/healthz/../{}"),
    ):
        address = path.format(quote(made(f"in an address: {name}")))
        await browser.call("GET", address, expect={400, 401, 403, 404, 405})
        await browser.call("DELETE", address, expect={400, 401, 403, 404, 405})


async def _in_headers(scene: Installation, browser: Browser) -> None:
    made = scene.canaries.made
    for name in ("X-Password", "Referer", "Origin", "X-Request-Id", "Accept", "Host", "Range"):
        headers = {name: made(f"in {name}")}
        await browser.call("GET", "/api/auth/me", expect={400, 401, 403}, headers=headers)
        await browser.call("POST", LOGIN, b"{", expect={400, 401, 403}, headers=headers)
    headers = {"X-Forwarded-For": made("in X-Forwarded-For")}
    await browser.call("POST", LOGIN, b"{", expect={400, 401, 403}, headers=headers)
    secret = made("in Authorization")
    basic = base64.b64encode(f"ana:{secret}".encode()).decode()
    for value in (f"Bearer {secret}", f"Basic {basic}", secret, f"Bearer skua_{secret}"):
        headers = {"Authorization": value}
        await browser.call("GET", "/api/auth/me", expect={400, 401}, headers=headers)
    secret = made("in a cookie")
    for value in (f"__Host-skua={secret}", f"__Host-dev={secret}", f"{secret}=1", secret):
        headers = {"Cookie": value}
        await browser.call("GET", "/api/auth/me", expect={400, 401}, headers=headers)
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": f"https://{quote(secret)}.example"}
    await browser.call("POST", LOGIN, {"password": secret}, expect=403, headers=headers)


async def _in_what_is_hardly_http(scene: Installation) -> None:
    made = scene.canaries.made
    for name, form in (
        ("method", "{} /healthz HTTP/1.1\r\nHost: skua.example\r\n\r\n"),
        ("version", "GET /healthz {}\r\nHost: skua.example\r\n\r\n"),
        ("line without a colon", "GET /healthz HTTP/1.1\r\n{}\r\n\r\n"),
        ("length", "POST /api/auth/login HTTP/1.1\r\nContent-Length: {}\r\n\r\n"),
        ("upgrade", "GET /{} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        ("websocket", WEBSOCKET),
        (
            "body that breaks off",
            'POST /api/auth/login HTTP/1.1\r\nContent-Length: 99\r\n\r\n{{"{}',
        ),
        ("announced body", ANNOUNCED),
    ):
        secret = made(f"hardly HTTP, {name}").replace(" ", "-")
        scene.canaries.secret(f"hardly HTTP, {name}", secret)
        scene.record.add_raw(name, await _send(scene.port, form.format(secret).encode()))


ANNOUNCED = (
    "POST /api/auth/login HTTP/1.1\r\nHost: skua.example\r\nSec-Fetch-Site: same-origin\r\n"
    'Content-Type: application/json\r\nContent-Length: 1000001\r\n\r\n{{"password": "{}'
)
WEBSOCKET = (
    "GET /{} HTTP/1.1\r\nHost: skua.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def _send(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request)
    try:
        async with asyncio.timeout(1):
            return await reader.read(65536)
    except (TimeoutError, ConnectionError):
        return b""
    finally:
        writer.close()
