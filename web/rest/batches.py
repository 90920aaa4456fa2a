"""REST of batches: many calls in one request, carried out in their order, each answered by itself as the socket's acks
are. One that is refused stops none of the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Annotated, Any, TypeVar

import orjson
import structlog
from pydantic import Field

from hub.shapes import SocketError
from models.actors import absent
from models.calls import Edit, Id, SendMessageCall, parse
from models.errors import ParleyError, PayloadTooLarge
from models.messages import Message
from models.session import Session
from models.wire import Wire
from services.access import OnServer
from services.store.reads import BATCH_BYTES
from web.rest.errors import shown
from web.rest.queries import IDS_MAX
from web.rest.route import Call, NoQuery

log = structlog.get_logger(__name__)

ITEMS_MAX = 100
TOO_MUCH = "Too much together with the items before: ask for fewer at once"
Item = TypeVar("Item", bound=Wire)


class FetchItem(Wire):
    """Messages of a session by their ids, or (without ids) the session itself."""

    session_id: Id
    ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=IDS_MAX)] | None = None


class DeleteItem(Edit):
    session_id: Id
    purge: Annotated[bool, Field(strict=True)] = False


class Batch(Wire):
    """Up to 100 `items`. Each is read by itself: a bad one is answered in its place."""

    items: Annotated[tuple[dict[str, Any], ...], Field(max_length=ITEMS_MAX)]


class SendBatch(Batch):
    """Items as the call send_message takes them."""


class FetchBatch(Batch):
    """Items are `{sessionId, ids?}`: messages by their ids, or the session itself."""


class DeleteBatch(Batch):
    """Items are `{sessionId, purge?, expectedVersion?}`."""


class ItemAnswer(Wire):
    """`status` is what the call alone would have been answered with; `error` says why it was refused."""

    ok: bool
    status: int
    error: SocketError | None = Field(default=None, exclude_if=absent)


class SendItemAnswer(ItemAnswer):
    message_id: str | None = Field(default=None, exclude_if=absent)
    seq: int | None = Field(default=None, exclude_if=absent)
    run_id: str | None = Field(default=None, exclude_if=absent)


class FetchItemAnswer(ItemAnswer):
    session: Session | None = Field(default=None, exclude_if=absent)
    messages: tuple[Message, ...] | None = Field(default=None, exclude_if=absent)

    @cached_property
    def encoded(self) -> bytes:
        """The messages as they travel: measured first, then sent."""
        return orjson.dumps([message.to_wire() for message in self.messages or ()])

    def to_wire(self) -> dict[str, Any]:
        wire = self.model_dump(mode="json", by_alias=True, exclude={"messages"})
        if self.messages is not None:
            wire["messages"] = orjson.Fragment(self.encoded)
        return wire


class SendBatchAnswer(Wire):
    results: tuple[SendItemAnswer, ...]


class FetchBatchAnswer(Wire):
    results: tuple[FetchItemAnswer, ...]

    def to_wire(self) -> dict[str, Any]:
        return {"results": [result.to_wire() for result in self.results]}


class DeleteBatchAnswer(Wire):
    results: tuple[ItemAnswer, ...]


Answer = TypeVar("Answer", bound=ItemAnswer)


async def send_many(call: Call[SendBatch, NoQuery]) -> SendBatchAnswer:
    async def send(item: SendMessageCall) -> SendItemAnswer:
        sent = await call.chat.send_message(call.principal, item.session_id, item, item.expected_version)
        return SendItemAnswer(ok=True, status=202, message_id=sent.message_id, seq=sent.seq, run_id=sent.run_id)

    return SendBatchAnswer(results=await _each(call, SendMessageCall, send, SendItemAnswer))


async def fetch_many(call: Call[FetchBatch, NoQuery]) -> FetchBatchAnswer:
    fetched = 0

    async def fetch(item: FetchItem) -> FetchItemAnswer:
        nonlocal fetched
        if item.ids is None:
            session = await call.library.session(call.principal, item.session_id)
            return FetchItemAnswer(ok=True, status=200, session=session)
        if fetched >= BATCH_BYTES:
            raise PayloadTooLarge(TOO_MUCH, limit=BATCH_BYTES)
        messages = await call.library.messages(call.principal, item.session_id, list(dict.fromkeys(item.ids)))
        answer = FetchItemAnswer(ok=True, status=200, messages=messages)
        size = len(answer.encoded) if messages else 0
        if fetched and fetched + size > BATCH_BYTES:
            raise PayloadTooLarge(TOO_MUCH, limit=BATCH_BYTES, size=size)
        fetched += size
        return answer

    return FetchBatchAnswer(results=await _each(call, FetchItem, fetch, FetchItemAnswer))


async def delete_many(call: Call[DeleteBatch, NoQuery]) -> DeleteBatchAnswer:
    async def delete(item: DeleteItem) -> ItemAnswer:
        await call.organizer.delete(call.principal, item.session_id, purge=item.purge, version=item.expected_version)
        return ItemAnswer(ok=True, status=200)

    return DeleteBatchAnswer(results=await _each(call, DeleteItem, delete, ItemAnswer))


async def _each(
    call: Call[Any, NoQuery],
    model: type[Item],
    do: Callable[[Item], Awaitable[Answer]],
    answer: type[Answer],
) -> tuple[Answer, ...]:
    await call.check("read", OnServer())
    return tuple([await _one(item, model, do, answer) for item in call.body.items])


async def _one(
    item: dict[str, Any], model: type[Item], do: Callable[[Item], Awaitable[Answer]], answer: type[Answer]
) -> Answer:
    try:
        return await do(parse(model, item))
    except ParleyError as error:
        refused = error
    except Exception:
        # What was carried out before it must be told all the same.
        log.exception("an item of a batch failed")
        refused = ParleyError()
    error_wire = SocketError.model_validate(shown(refused.to_wire()))
    return answer(ok=False, status=refused.status, error=error_wire)
