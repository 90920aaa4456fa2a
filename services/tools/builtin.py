"""The tools that come with Parley. Defines none of its own."""

from __future__ import annotations

from services.tools.codebase_command import run_command
from services.tools.codebase_edit import edit_file, write_file
from services.tools.codebase_files import find_files, read_file
from services.tools.codebase_overview import overview
from services.tools.codebase_search import search
from services.tools.codebase_symbols import definitions, outline, references
from services.tools.plan import update_plan
from services.tools.results import read_result
from services.tools.tool import Tool

READING: tuple[Tool, ...] = (
    search,
    find_files,
    read_file,
    outline,
    definitions,
    references,
    overview,
    update_plan,
    read_result,
)
WRITING: tuple[Tool, ...] = (write_file, edit_file, run_command)
BUILTIN: tuple[Tool, ...] = (*READING, *WRITING)
