"""Makes results of MCP servers readable that the SDK would refuse as a whole for one of their parts. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from mcp_types import BlobResourceContents, ContentBlock, TextResourceContents
from pydantic import TypeAdapter, ValidationError

Json: TypeAlias = dict[str, Any]

SHOWN_CHARS = 2_000
_BLOCK: TypeAdapter[Any] = TypeAdapter(ContentBlock)
_CONTENTS: TypeAdapter[Any] = TypeAdapter(TextResourceContents | BlobResourceContents)


def readable(result: Json) -> None:
    """Changes `result` in place: what has no form that is known becomes text that says what was left out."""
    if "content" in result:
        result["content"] = [_block(each) for each in _listed(result["content"])]
    elif "structuredContent" in result or "isError" in result:
        result["content"] = []
    if isinstance(result.get("contents"), list):
        result["contents"] = [_contents(each) for each in result["contents"]]


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _block(part: object) -> object:
    if isinstance(part, str):
        return _text(part)
    if not isinstance(part, dict):
        return _text(f"[left out: {_beginning(part)}, which is no part of a result]")
    if _is_plain(part) or _fits(_BLOCK.validate_python, part):
        return part
    if isinstance(part.get("text"), str):
        return _text(part["text"])
    kind = str(part.get("type"))[:100]
    told = {key: value for key, value in part.items() if key not in ("type", "data", "blob")}
    return _text(f"[left out: a part of the kind “{kind}”, which can't be read here: {_beginning(told)}]")


def _contents(part: object) -> object:
    if _fits(_CONTENTS.validate_python, part):
        return part
    uri = part.get("uri") if isinstance(part, dict) else None
    return {"uri": uri if isinstance(uri, str) else "unknown:", "text": f"[left out: {_beginning(part)}]"}


def _is_plain(part: Json) -> bool:
    """What nearly all parts are; not to be read twice."""
    return part.keys() == {"type", "text"} and part["type"] == "text" and isinstance(part["text"], str)


def _fits(read: Callable[[object], object], part: object) -> bool:
    try:
        read(part)
    except ValidationError:
        return False
    return True


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _beginning(value: object) -> str:
    """Without long values, which are mostly data."""
    said = json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= SHOWN_CHARS else f"{said[:SHOWN_CHARS]}…"
