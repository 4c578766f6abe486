"""What is served besides, and how all errors are told."""

import pytest

PROBLEM = "application/problem+json"


def test_whether_requests_are_answered(client):
    answer = client("GET", "/healthz")
    assert (answer.status, answer.data) == (200, {"status": "ok"})
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/api/v0/trunks", 404, "Not Found"),
        ("GET", "/webhooks/payment", 405, "Method Not Allowed"),
        ("POST", "/healthz", 405, "Method Not Allowed"),
    ],
)
def test_errors_are_problems(client, method, path, status, title):
    answer = client(method, path)
    assert (answer.status, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.data == {"type": "about:blank", "title": title, "status": status}
