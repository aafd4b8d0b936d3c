"""The page on which people read the interface and try it: Swagger UI, shipped as it was released.

``swagger_ui/`` holds the files of npm's ``swagger-ui-dist`` that it needs, unchanged, and their
licence. For another release replace them, and ``RELEASE``.
"""

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import MediaType, Response, get

RELEASE = "5.35.0"
_ADDRESS = f"/api/docs/{RELEASE}"
"""Of what belongs to the page. A browser keeps it for good, so each release has its own."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Skua's interface</title>
<link rel="stylesheet" href="{_ADDRESS}/swagger-ui.css">
<script src="{_ADDRESS}/swagger-ui-bundle.js"></script>
<script src="/api/docs/init.js"></script>
</head>
<body>
<div id="swagger-ui"></div>
</body>
</html>
"""
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_KEPT_A_WHILE = {"Cache-Control": "public, max-age=3600"}


@get("/api/docs", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def api_docs() -> Response[str]:
    """The page itself; it reads ``/api/openapi.json``."""
    headers = {"Content-Security-Policy": _POLICY, **_KEPT_A_WHILE}
    return Response(_PAGE, media_type=MediaType.HTML, headers=headers)


@get("/api/docs/init.js", include_in_schema=False, sync_to_thread=False)
def init_script() -> Response[bytes]:
    """Apart from the page, because its policy lets nothing in it run."""
    return Response(_file("init.js"), media_type="text/javascript", headers=_KEPT_A_WHILE)


@get(f"{_ADDRESS}/swagger-ui-bundle.js", include_in_schema=False, sync_to_thread=False)
def swagger_ui_script() -> Response[bytes]:
    content = _file("swagger_ui/swagger-ui-bundle.js")
    return Response(content, media_type="text/javascript", headers=_KEPT)


@get(f"{_ADDRESS}/swagger-ui.css", include_in_schema=False, sync_to_thread=False)
def swagger_ui_style() -> Response[bytes]:
    return Response(_file("swagger_ui/swagger-ui.css"), media_type=MediaType.CSS, headers=_KEPT)


@cache
def _file(name: str) -> bytes:
    return files("skua_http.api_docs").joinpath(name).read_bytes()


API_DOCS: list[Any] = [api_docs, init_script, swagger_ui_script, swagger_ui_style]
