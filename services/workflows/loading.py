"""Workflows from files: one in each, every mistake of all of them named at once. Never runs them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import structlog

from services.workflows.definition import Workflow
from services.workflows.errors import Problem, WorkflowInvalid

log = structlog.get_logger(__name__)

FILE_MAX_BYTES = 1_000_000
SUFFIXES = (".yaml", ".yml")


def load_folder(path: Path | str, known_tools: Collection[str] | None = None) -> dict[str, Workflow]:
    """Every *.yaml and *.yml of a folder, by name. With `known_tools`, others are warned of: they may come later.
    Raises WorkflowInvalid with all mistakes of all files."""
    folder, found, problems = Path(path), dict[str, Workflow](), list[Problem]()
    if not folder.is_dir():
        raise WorkflowInvalid(str(folder), [Problem("", "is no folder")])
    for file in sorted(each for each in folder.iterdir() if each.suffix in SUFFIXES):
        try:
            workflow = load_file(file)
        except WorkflowInvalid as error:
            problems.extend(Problem(f"{file.name}: {each.field}".rstrip(": "), each.message) for each in error.problems)
            continue
        if workflow.name in found:
            problems.append(Problem(f"{file.name}: name", f"“{workflow.name}” is the name of another workflow"))
        found[workflow.name] = workflow
        warn_of_unknown_tools(workflow, known_tools)
    if problems:
        raise WorkflowInvalid(str(folder), problems)
    return found


def warn_of_unknown_tools(workflow: Workflow, known_tools: Collection[str] | None) -> tuple[str, ...]:
    """Logs and returns the tools that nobody offers now; a step that calls one will fail."""
    unknown = tuple(sorted(workflow.tools - set(known_tools))) if known_tools is not None else ()
    if unknown:
        log.warning("workflow names unknown tools", workflow=workflow.name, tools=list(unknown))
    return unknown


def load_file(path: Path) -> Workflow:
    """Raises WorkflowInvalid."""
    # Here, because most servers have no workflow and need neither YAML nor a template engine.
    from services.workflows.yaml_form import load_text

    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise WorkflowInvalid(path.name, [Problem("", f"is larger than {FILE_MAX_BYTES} bytes")])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise WorkflowInvalid(path.name, [Problem("", f"can't be read: {error}")]) from None
    return load_text(text, path.name)
