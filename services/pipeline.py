"""The way of a user's message to the journal: create → validate → enrich → store; its execution follows, in a run.

Each step between is a plain callable that takes a draft and returns one; they run in the order of the list. A step of
one's own is named by `--processor package.module:attribute`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.clock import Clock
from models.errors import InvalidArgument, PayloadTooLarge
from models.ids import EpochMs, iso
from models.messages import Metadata
from models.payloads import FileReferencePayload, ImageMode, ImagePayload, Payload, ProcessingPayload, TextPayload
from models.text import cleaned
from services.content.opening import OpenFile

if TYPE_CHECKING:
    from services.content.fetching import Fetch

MESSAGE_MAX_CHARS = 10_000_000
"""One message, by REST; a call on the socket is bounded by its own payload limit."""
SLOW_MS = 1_000
"""A step that took so long is worth telling: somebody waited for it."""
STAGE_MAX_CHARS = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is not stored yet. `vision` says whether the session's model can see; `steps` are those until now
    that took time or failed."""

    session_id: str
    author: str
    content: str
    payload: Payload
    metadata: Metadata
    vision: bool = False
    steps: tuple[ProcessingPayload, ...] = ()


Processor = Callable[[Draft], Awaitable[Draft]]
"""May refuse the draft with a ParleyError; then nothing is stored."""


async def validate(draft: Draft) -> Draft:
    """Raises PayloadTooLarge."""
    if len(draft.content) > MESSAGE_MAX_CHARS:
        raise PayloadTooLarge(field="content", limit=MESSAGE_MAX_CHARS, size=len(draft.content))
    return draft


@dataclass(frozen=True, slots=True)
class EnrichFiles:
    """Puts the lines of a referenced file, or why there are none, into the draft."""

    open_file: OpenFile
    clock: Clock
    stage: str = "Reading the file"

    async def __call__(self, draft: Draft) -> Draft:
        if draft.payload.kind != "file_reference":
            return draft
        from services.content.files import resolve_file

        resolved = await resolve_file(draft.payload, open_file=self.open_file, now=self.clock())
        return replace(draft, payload=resolved)


@dataclass(frozen=True, slots=True)
class EnrichImages:
    """Checks an image, and reads its text where its mode or a blind model asks for it."""

    open_file: OpenFile
    default: ImageMode = "auto"
    fetch: Fetch | None = None
    stage: str = "Reading the image"

    async def __call__(self, draft: Draft) -> Draft:
        if draft.payload.kind != "image":
            return draft
        from services.content.images import resolve_image

        image = await resolve_image(
            draft.payload, vision=draft.vision, open_file=self.open_file, default=self.default, fetch=self.fetch
        )
        return replace(draft, payload=image)


async def remember_text(draft: Draft) -> Draft:
    """A text payload mirrors the content, whatever the processors before made of it."""
    if isinstance(draft.payload, TextPayload) and draft.payload.text != draft.content:
        return replace(draft, payload=draft.payload.model_copy(update={"text": draft.content}))
    return draft


@dataclass(frozen=True, slots=True)
class Pipeline:
    """With a `clock`, notes each step that took long or failed: what it left an error in is stored all the same."""

    processors: tuple[Processor, ...]

    async def __call__(self, draft: Draft, clock: Clock | None = None) -> Draft:
        for processor in self.processors:
            started = clock() if clock is not None else None
            before, draft = draft, await processor(draft)
            if clock is not None and started is not None:
                draft = _noted(processor, before, draft, started, clock())
        return draft


def _noted(processor: Processor, before: Draft, after: Draft, started: EpochMs, now: EpochMs) -> Draft:
    error = _error(after)
    error = error if error != _error(before) else None
    if error is None and now - started < SLOW_MS:
        return after
    details: dict[str, object] = {"durationMs": now - started} | ({"error": error} if error else {})
    step = ProcessingPayload(stage=_stage(processor), started_at=iso(started), finished_at=iso(now), details=details)
    return replace(after, steps=(*after.steps, step))


def _error(draft: Draft) -> str | None:
    payload = draft.payload
    return payload.error if isinstance(payload, FileReferencePayload | ImagePayload) else None


def _stage(processor: Processor) -> str:
    """Its own word for it, or its name."""
    name = getattr(processor, "stage", None) or getattr(processor, "__name__", None) or type(processor).__name__
    return cleaned(str(name))[:STAGE_MAX_CHARS]


def enriching(
    open_file: OpenFile, clock: Clock, image_mode: ImageMode = "auto", fetch: Fetch | None = None
) -> tuple[Processor, ...]:
    """Files and images, for where there is a workspace. `image_mode` is for images whose message leaves it open; with
    `fetch` the text of images by URL is read too."""
    return EnrichFiles(open_file, clock), EnrichImages(open_file, image_mode, fetch)


def standard(enrich: Sequence[Processor] = (), own: Sequence[Processor] = ()) -> Pipeline:
    """validate, then what `enriching` brings, then one's own, then the mirror of the text."""
    return Pipeline((validate, *enrich, *own, remember_text))


def load_processor(path: str) -> Processor:
    """Raises InvalidArgument that says what is wrong with it."""
    try:
        processor = pkgutil.resolve_name(path)
    except Exception as error:
        raise InvalidArgument(f"No processor {path!r}, expected package.module:attribute ({error})") from error
    if not callable(processor):
        raise InvalidArgument(f"{path!r} can't be called; a processor is async def process(draft) -> Draft")
    found: Processor = processor
    return found
