"""A tool for turns of many rounds, inside the server: `--tools turn_tools:count`."""

from __future__ import annotations

from services.tools.tool import tool


@tool(risk="read_only")
async def count(n: int) -> str:
    """Counts."""
    return f"counted {n}"
