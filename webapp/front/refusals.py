"""Answers that are given without a thread, written as `webapp.problems` would."""

import json


def _refusal(status: int, title: str, detail: str, header: str = "") -> bytes:
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    lines = (
        f"HTTP/1.1 {status} {title}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "X-Content-Type-Options: nosniff",
        "Content-Security-Policy: default-src 'none'",
        *([header] if header else []),
        "Connection: close",
    )
    return "\r\n".join((*lines, "", body)).encode()


REFUSALS = {
    408: _refusal(408, "Request Timeout", "The request did not arrive in time."),
    503: _refusal(503, "Service Unavailable", "Too much is being uploaded at once; try again.", "Retry-After: 2"),
}
