"""What the Python client raises beside TimeoutError: one base, as the TypeScript client has one class.

CallError
├── CallFailed       the server refused
└── ConnectionLost   no answer: it may or may not have been carried out
    └── NoAnswer     nothing came in time; the connection was given up
"""

from __future__ import annotations

from typing import Any


class CallError(Exception):
    """Base of all. With `retryable`, the same call may be made again."""

    def __init__(self, code: str, message: str, *, retryable: bool, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details: dict[str, Any] = details or {}


class CallFailed(CallError):
    """The server's refusal, as it came."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(
            error["code"], error["message"], retryable=error["retryable"], details=error.get("details", {})
        )


class ConnectionLost(CallError):
    """The call has no answer; it may or may not have been carried out."""

    def __init__(self, message: str, code: str = "connection_lost") -> None:
        super().__init__(code, message, retryable=True)


class NoAnswer(ConnectionLost):
    """Nothing came in time; the connection was given up."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "no_answer")


ClientError = CallError
"""Its name in 0.1.0."""
