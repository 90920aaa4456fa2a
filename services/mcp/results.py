"""Turns what MCP servers answer into text for a model and payloads for the journal. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from mcp_types import BlobResourceContents, CallToolResult, ContentBlock, ReadResourceResult, TextResourceContents

from models.payloads import McpResourcePayload
from models.text import cleaned
from services.tools.tool import ToolOutput

RESOURCE_MAX_CHARS = 2_000_000
_TEXTUAL = ("text/", "application/json", "application/xml", "application/yaml", "application/toml", "image/svg+xml")


def output_of(result: CallToolResult) -> ToolOutput:
    """All parts in their order. What has no form in text is named with its type and size, and counted in the note."""
    parts = [_part(block) for block in result.content]
    structured = _structured(result.structured_content, parts)
    unshown = [block.type for block in result.content if block.type in ("image", "audio")]
    note = f"not shown: {', '.join(unshown)}" if unshown else ""
    return ToolOutput("\n".join(part for part in [*parts, structured] if part), note)


def resource_of(server: str, uri: str, result: ReadResourceResult, retrieved_at: str) -> McpResourcePayload:
    """One payload, also of a resource with several contents; these are told apart by their URIs."""
    contents = result.contents
    texts = [_contents(each) for each in contents]
    if len(contents) > 1:
        texts = [f"--- {each.uri}\n{text}" for each, text in zip(contents, texts, strict=True)]
    return McpResourcePayload(
        server=server,
        uri=cleaned(uri),
        mime_type=cleaned(_mime_type(contents)),
        content=_limited(cleaned("\n".join(texts))),
        retrieved_at=retrieved_at,
    )


def _part(block: ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return f"[{block.type}, {block.mime_type}, {_size(block.data)}: not shown]"
        case "resource":
            return f"[resource {block.resource.uri}]\n{_contents(block.resource)}"
        case "resource_link":
            said = f": {block.description}" if block.description else ""
            return f"[link to the resource {block.uri} ({block.name}){said}; mcp_read_resource reads it]"


def _structured(value: Any, parts: Iterable[str]) -> str:
    """Empty where the text says the same: servers repeat it for clients that read text alone."""
    if value is None or any(_same(part, value) for part in parts):
        return ""
    return json.dumps(value, ensure_ascii=False)


def _same(part: str, value: Any) -> bool:
    """Servers wrap a bare answer as {"result": …} to make it an object."""
    bare = value["result"] if isinstance(value, dict) and set(value) == {"result"} else value
    if part == bare:
        return True
    try:
        return json.loads(part) in (value, bare)
    except (ValueError, RecursionError):
        return False


def _contents(contents: TextResourceContents | BlobResourceContents) -> str:
    if isinstance(contents, TextResourceContents):
        return contents.text
    mime_type = contents.mime_type or "application/octet-stream"
    if mime_type.startswith(_TEXTUAL):
        try:
            return base64.b64decode(contents.blob).decode()
        except ValueError:
            pass
    return f"[{mime_type}, {_size(contents.blob)} of binary data: not shown]"


def _mime_type(contents: Iterable[TextResourceContents | BlobResourceContents]) -> str:
    named = {each.mime_type or "text/plain" for each in contents}
    return named.pop() if len(named) == 1 else "text/plain"


def _size(encoded: str) -> str:
    return f"{len(encoded.rstrip('=')) * 3 // 4:,} bytes"


def _limited(text: str) -> str:
    if len(text) <= RESOURCE_MAX_CHARS:
        return text
    return f"{text[:RESOURCE_MAX_CHARS]}\n[cut: the resource has {len(text):,} characters]"
