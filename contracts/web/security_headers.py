"""The headers that every answer carries, so that a page loads nothing from elsewhere and is framed by nobody.

The policy has neither `unsafe-inline` nor `unsafe-eval` nor a nonce: pages have no inline style or script. `blob:` and
`data:` images are for charts and the icons of the style sheet. `Cross-Origin-Opener-Policy` cuts the tie to a window that
a script could open towards another site, which the content policy does not forbid.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
ONE_YEAR: Final = 31_536_000


def register(app: Flask) -> None:
    """Set the headers on every answer; on secure connections also HSTS. Pages are not kept by shared caches."""

    @app.after_request
    def set_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.vary.add("Cookie")
        return response
