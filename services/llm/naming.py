"""Ids and names of calls in the form that an API takes. Pure: the same id always becomes the same."""

from __future__ import annotations

import re
from hashlib import blake2b

from models.tools import TOOL_NAME


def fitting_id(call_id: str, pattern: str) -> str:
    """`call_id` where it matches `pattern` as a whole, else one made of its digest: a session may change its model,
    and what one endpoint calls its calls another may refuse."""
    if re.fullmatch(pattern, call_id):
        return call_id
    return f"call_{blake2b(call_id.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"


def fitting_name(name: str) -> str:
    """The name of a call in history; a model can have called what no tool is called, which APIs refuse."""
    return name if TOOL_NAME.fullmatch(name) else re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unnamed_tool"
