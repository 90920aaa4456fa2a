"""What is said of a tool to whoever may call it. Knows nothing of how it works."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import InvalidArgument

TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every API takes as the name of a tool (OpenAI's rule, the narrowest)."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that a model may call; `parameters` is the JSON schema of its arguments, an object.

    Raises InvalidArgument on a name that some API would refuse together with the whole request.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not TOOL_NAME.fullmatch(self.name):
            message = f"“{self.name[:100]}” can't name a tool: use 1 to 64 letters, digits, _ and -"
            raise InvalidArgument(message, field="name")
