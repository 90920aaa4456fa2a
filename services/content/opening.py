"""How content is read from files: through a function that the caller gives, which alone decides what may be opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, TypeAlias

from models.errors import ParleyError

OpenFile: TypeAlias = Callable[[str], BinaryIO]
"""Opens a path for reading, in any thread. Raises OSError, or a ParleyError for what may not be read."""


def why_unreadable(error: OSError | ParleyError) -> str:
    """For people and models, without the server's own paths, which an OSError quotes."""
    match error:
        case ParleyError():
            return error.message
        case FileNotFoundError():
            return "There is no such file"
        case IsADirectoryError():
            return "This is a folder"
        case PermissionError():
            return "The server may not read this file"
        case _:
            return f"The file could not be read: {error.strerror or 'unknown reason'}"
