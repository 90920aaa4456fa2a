"""Every error a caller can meet. Names are conditions; `code` is what clients branch on. Never formats HTTP or packets.

ParleyError
├── InvalidArgument 400        │   UnknownModel
├── Unauthenticated 401
├── Forbidden 403              │   OriginNotAllowed
├── NotFound 404               │   SessionNotFound, ProjectNotFound, MessageNotFound, BranchNotFound, RunNotFound,
│                              │   ApprovalNotFound, PinNotFound, UnknownCall
├── MethodNotAllowed 405
├── RequestTimeout 408
├── Conflict 409               │   RunAlreadyActive, QueueFull, IdempotencyConflict, IllegalTransition, AlreadyAnswered,
│                              │   BranchExists, BranchMoved, MergeConflict, StaleHead, ClientMessageIdTaken, Fenced
├── Declined 409
├── TurnTooLong 409
├── ToolCallFailed 409
├── EventsGone 410
├── VersionMismatch 412
├── PayloadTooLarge 413
├── UnsupportedEncoding 415
├── HeadTooLarge 431
├── NotSupported 501
├── ProviderError 502          │   ProviderUnavailable, ProviderBroken, ProviderRefused
├── StorageUnavailable 503     │   DatabaseLocked, DatabaseFull, DatabaseCorrupt, DatabaseTooNew, DataFolderInUse
├── Draining 503
└── TooManyConnections 503
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic.alias_generators import to_camel


def forget_frames(error: BaseException) -> None:
    """Lets go of what the functions that it came through worked on, a body of megabytes maybe. Call it where an error
    has been answered: whatever holds it and stands in its traceback (a future, a variable) would keep all that until
    the garbage collector comes by."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


class ParleyError(Exception):
    """Base of all. `message` is for people, `code` for programs, `details` names the field or the current version."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default_message: ClassVar[str] = "Internal error"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.default_message
        self.details = details
        super().__init__(self.message)

    def to_wire(self) -> dict[str, Any]:
        """The shape inside a Socket.IO ack's `error`; REST renames `message` to `error`."""
        return {
            "code": self.code,
            "message": self.message,
            "retryable": self.retryable,
            "details": {to_camel(name): value for name, value in self.details.items()},
        }


class InvalidArgument(ParleyError):
    """Input that can never work. `details["field"]` names the first bad field, `details["fields"]` all of them."""

    code = "invalid_argument"
    status = 400
    default_message = "Invalid argument"


class Unauthenticated(ParleyError):
    code = "unauthenticated"
    status = 401
    default_message = "A valid token is required"


class Forbidden(ParleyError):
    code = "forbidden"
    status = 403
    default_message = "Not allowed"


class OriginNotAllowed(Forbidden):
    code = "origin_not_allowed"
    default_message = "This origin is not allowed; start the server with --allow-origin to admit it"


class NotFound(ParleyError):
    code = "not_found"
    status = 404
    default_message = "Not found"


class SessionNotFound(NotFound):
    code = "session_not_found"
    default_message = "Session not found"


class ProjectNotFound(NotFound):
    code = "project_not_found"
    default_message = "Project not found"


class MessageNotFound(NotFound):
    code = "message_not_found"
    default_message = "Message not found"


class BranchNotFound(NotFound):
    code = "branch_not_found"
    default_message = "Branch not found"


class RunNotFound(NotFound):
    code = "run_not_found"
    default_message = "Run not found"


class ApprovalNotFound(NotFound):
    code = "approval_not_found"
    default_message = "No such approval is pending"


class UnknownCall(NotFound):
    code = "unknown_call"
    default_message = "Unknown call"


class UnknownModel(InvalidArgument):
    code = "unknown_model"
    default_message = "Unknown model"


class MethodNotAllowed(ParleyError):
    code = "method_not_allowed"
    status = 405
    default_message = "Method not allowed"


class RequestTimeout(ParleyError):
    code = "request_timeout"
    status = 408
    retryable = True
    default_message = "The request took too long"


class Conflict(ParleyError):
    code = "conflict"
    status = 409
    default_message = "Conflict"


class RunAlreadyActive(Conflict):
    code = "run_active"
    default_message = "A run is active; wait, cancel it, or send with onBusy enqueue, interrupt or steer"


class QueueFull(Conflict):
    """Too many messages wait for their turn; `details["limit"]` says how many may."""

    code = "queue_full"
    default_message = "Too many messages wait for their turn; wait, steer, or cancel what waits"


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"
    default_message = "This clientMessageId was used for another message"


class IllegalTransition(Conflict):
    """The context's state does not allow the command; nothing was changed."""

    code = "illegal_transition"
    default_message = "Not possible in the present state"


class AlreadyAnswered(Conflict):
    """Somebody was faster. The details say who decided, and what."""

    code = "approval_resolved"
    default_message = "This was answered already"


class BranchExists(Conflict):
    code = "branch_exists"
    default_message = "There is a branch of this name"


class BranchMoved(Conflict):
    """A branch grew between the caller's reading and this command; read again."""

    code = "branch_moved"
    retryable = True
    default_message = "The branch has moved on; try again"


class MergeConflict(Conflict):
    """Both sides changed the pins or the plan: the details name what, and `resolution` must say whose to keep."""

    code = "merge_conflict"
    default_message = "Both branches changed the same; say with resolution which side to keep"


class PinNotFound(NotFound):
    code = "pin_not_found"
    default_message = "No such pin"


class StaleHead(Conflict):
    """Somebody else appended first; reload and decide again. Never reaches a client."""

    code = "stale_head"
    retryable = True
    default_message = "The session moved on"


class ClientMessageIdTaken(Conflict):
    """The journal already holds a message with this clientMessageId. The session manager answers from it."""

    code = "client_message_id_taken"
    default_message = "This clientMessageId exists"


class Fenced(Conflict):
    """A write of a run whose lease was taken over, cancelled or ended. The writer must stop."""

    code = "fenced"
    default_message = "This run no longer holds the session"


class EventsGone(ParleyError):
    code = "events_gone"
    status = 410
    default_message = "The journal no longer reaches back that far; take a snapshot"


class VersionMismatch(ParleyError):
    code = "version_mismatch"
    status = 412
    default_message = "The resource was changed in the meantime"


class PayloadTooLarge(ParleyError):
    code = "payload_too_large"
    status = 413
    default_message = "The payload is too large"


class UnsupportedEncoding(ParleyError):
    """A body that would have to be unpacked. `details["encoding"]` is the first coding that is not taken."""

    code = "unsupported_encoding"
    status = 415
    default_message = "Compressed requests are not taken"


class HeadTooLarge(ParleyError):
    code = "head_too_large"
    status = 431
    default_message = "The request's line, a header, or their number is too large"


class NotSupported(ParleyError):
    code = "not_supported"
    status = 501
    default_message = "Not supported by this server"


class StorageUnavailable(ParleyError):
    """The database can't be written or read now. What was asked is done only if it shows up in the journal."""

    code = "storage_unavailable"
    status = 503
    retryable = True
    default_message = "Storage is unavailable"


class DatabaseLocked(StorageUnavailable):
    default_message = "Another process holds a lock on the database"


class DatabaseFull(StorageUnavailable):
    default_message = "The disk or the database is full; free some space"


class DatabaseCorrupt(StorageUnavailable):
    code = "storage_corrupt"
    retryable = False
    default_message = "The database file is damaged; stop the server and restore a backup"


class DatabaseTooNew(StorageUnavailable):
    code = "database_too_new"
    retryable = False
    default_message = "The database was written by a newer version; upgrade Parley"


class DataFolderInUse(StorageUnavailable):
    code = "data_folder_in_use"
    retryable = False
    default_message = "Another server uses this data folder"


class Draining(ParleyError):
    code = "draining"
    status = 503
    retryable = True
    default_message = "The server is shutting down; connect again in a moment"


class TooManyConnections(ParleyError):
    code = "too_many_connections"
    status = 503
    retryable = True
    default_message = "Too many connections"


class Declined(ParleyError):
    """The user did not answer an agent's question: declined, or the run was stopped meanwhile."""

    code = "declined"
    status = 409
    default_message = "The user declined to answer"


class TurnTooLong(ParleyError):
    """A run was stopped: it took longer than a turn may."""

    code = "time_limit"
    status = 409
    default_message = "The turn took too long"


class ToolCallFailed(ParleyError):
    """A tool that an agent called had no good result; `details["status"]` is the result's, and `details["output"]`
    what it gave all the same."""

    code = "tool_call_failed"
    status = 409
    default_message = "The tool call failed"


class ProviderError(ParleyError):
    """A model endpoint failed. `retry_after_ms` in the details when the endpoint asked for it."""

    code = "provider_error"
    status = 502
    default_message = "The model provider failed"


class ProviderUnavailable(ProviderError):
    """Nothing was produced and trying again may help: connection refused, 429, 5xx, timeout."""

    code = "provider_unavailable"
    retryable = True
    default_message = "The model provider is unavailable"


class ProviderBroken(ProviderError):
    """The stream ended before its end: a dropped connection, a malformed chunk."""

    code = "provider_broken"
    retryable = True
    default_message = "The model's stream broke off"


class ProviderRefused(ProviderError):
    """The endpoint said no for good: bad key, unknown model, invalid request."""

    code = "provider_refused"
    default_message = "The model provider refused the request"
