"""How the demo uses tools: which one it calls next, and what it says of the results. Pure; understands nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.llm.neutral_kinds import fenced
from services.llm.provider import ModelRequest, ToolResultPart

ECHO = "echo Hello from Parley"
"""What /ask wants to run: needs an approval, harms nothing."""

SEARCHES_MAX = 2
_HITS_ASKED = 200
_HITS_SHOWN = 8
_LINES_BEFORE, _LINES_AFTER = 2, 12
_SHOWN_CHARS = 4_000

_ABOUT_CODE = re.compile(
    r"\b(?:code|files?|search|grep|find|functions?|class|classes|methods?|modules?|defined?|definition"
    r"|implement\w*|sources?|repo|repository|codebase|called|used)\b",
    re.IGNORECASE,
)
_WHEREABOUTS = re.compile(r"\b(?:where|which)\b", re.IGNORECASE)
"""Asks for code only together with a word that looks like code: people go to places, too."""
_ABOUT_USES = re.compile(r"\b(?:used|uses|called|calls|callers?)\b", re.IGNORECASE)
_ABOUT_ALL = re.compile(r"\b(?:overview|structure|codebase|repo|repository)\b", re.IGNORECASE)

_QUOTED = re.compile(r"[`“\"']([^`“”\"'\n]{2,80})[`”\"']")
_IDENTIFIER = re.compile(r"\b(?:\w+_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|[A-Z][a-z]\w*(?=\())|\b\w+(?=\(\))")
_NAME = re.compile(r"[^\W\d]\w+")
_WORD = re.compile(r"\b[^\W\d_]{3,}\b")
_COMMON = frozenset(
    "about all and any are called can class classes code codebase could def define defined defines definition did "
    "do does explain file files find for from function functions get give grep has have how implement "
    "implementation implemented implements into its like line lines look made make me method methods module "
    "modules of one or our overview parley please project read repo repository search see show some source "
    "sources structure tell that the their there these they this those to use used uses was what when where which "
    "who why with work works would you your".split()
)

_HIT = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+):(?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DemoTurn:
    """What the demo says, and the tool that it calls then."""

    text: str
    tool: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Hit:
    path: str
    line: int
    text: str


def turn_with_tools(request: ModelRequest) -> DemoTurn | None:
    """The demo's next step with the tools of the request; None when the question is none for them."""
    asked = request.last_user_text.strip()
    tools = frozenset(tool.name for tool in request.tools)
    done = _done(request)
    match asked.split(maxsplit=1)[:1]:
        case ["/ask"]:
            return _ask(tools, done)
        case ["/call"]:
            return _call(asked.removeprefix("/call").strip(), tools, done)
        case ["/plan"]:
            return _plan(tools)
        case [command] if command.startswith("/"):
            return None
    if not _is_about_code(asked):
        return None
    terms = terms_of(asked)
    name = None if _ABOUT_USES.search(asked) else _name_in(asked)
    if name and "definitions" in tools and (turn := _define(name, tools, done)) is not None:
        return turn
    if terms and "search" in tools:
        return _look_up(terms, tools, done)
    return _overview(done) if "overview" in tools else None


def terms_of(asked: str) -> tuple[str, ...]:
    """What to search for, the most telling first: what is quoted, what looks like a name in code, long words."""
    quoted = [text.strip() for text in _QUOTED.findall(asked)]
    names = [name for name in _IDENTIFIER.findall(asked) if name.lower() not in _COMMON]
    words = [word for word in _WORD.findall(asked) if word.lower() not in _COMMON]
    telling = [*quoted, *names, *sorted(words, key=len, reverse=True)]
    return tuple(dict.fromkeys(term for term in telling if term))


def _is_about_code(asked: str) -> bool:
    if _ABOUT_CODE.search(asked) or _ABOUT_ALL.search(asked):
        return True
    return bool(_WHEREABOUTS.search(asked) and (_QUOTED.search(asked) or _IDENTIFIER.search(asked)))


def _name_in(asked: str) -> str | None:
    """The first word that can only be a name in code."""
    quoted = (text.strip().removesuffix("()") for text in _QUOTED.findall(asked))
    names = (*quoted, *_IDENTIFIER.findall(asked))
    return next((name for name in names if _NAME.fullmatch(name) and name.lower() not in _COMMON), None)


def _done(request: ModelRequest) -> tuple[ToolResultPart, ...]:
    """The results since the user last spoke."""
    last = max((n for n, message in enumerate(request.messages) if message.role == "user"), default=-1)
    return tuple(result for message in request.messages[last + 1 :] for result in message.results)


def _ask(tools: frozenset[str], done: tuple[ToolResultPart, ...]) -> DemoTurn:
    if done and done[-1].is_error:
        return DemoTurn(f"The command was not run, or failed. This is what came back:\n\n{_shown(done[-1].output)}")
    if done:
        return DemoTurn(f"It ran, and this is what came back:\n\n{_shown(done[-1].output)}")
    if "run_command" not in tools:
        return DemoTurn(
            "I would ask to run a command here, but am offered no tool for it. Plan mode has read-only tools, and a "
            "server without a workspace has none at all."
        )
    return DemoTurn(f"I would like to run `{ECHO}`. A command always needs an approval: yours.\n", "run_command", _ECHO)


def _call(asked: str, tools: frozenset[str], done: tuple[ToolResultPart, ...]) -> DemoTurn:
    """`/call NAME {"json": …}`"""
    if done:
        failed = " failed, or was not allowed" if done[-1].is_error else ""
        return DemoTurn(f"{done[-1].name}{failed}. This is what came back:\n\n{_shown(done[-1].output)}")
    name, _, written = asked.partition(" ")
    if name not in tools:
        return DemoTurn(f"I am offered no tool “{name}”. {_offered(tools)} {_CALL}")
    try:
        arguments = json.loads(written or "{}")
    except ValueError as error:
        return DemoTurn(f"These arguments are no JSON ({error}). {_CALL}")
    if not isinstance(arguments, dict):
        return DemoTurn(f"The arguments must be a JSON object. {_CALL}")
    return DemoTurn(f"I call {name}.\n", name, arguments)


_CALL = 'Write it like this: /call search {"query": "def main"}'


_ECHO: Mapping[str, Any] = {"command": ECHO}


def _plan(tools: frozenset[str]) -> DemoTurn:
    return DemoTurn(f"{_PLAN}\n\n{_offered(tools)} In plan mode these are the read-only ones.")


def _offered(tools: frozenset[str]) -> str:
    return f"Offered to me now: {', '.join(sorted(tools))}." if tools else "No tool is offered to me now."


_PLAN = (
    "I am Parley's demo, not a language model, and always follow the same plan:\n\n"
    "1. Search the code for the name that you ask about.\n"
    "2. Read the lines around the best match.\n"
    "3. Answer with file and line."
)


def _look_up(terms: tuple[str, ...], tools: frozenset[str], done: tuple[ToolResultPart, ...]) -> DemoTurn:
    """Search, read, answer. A search that finds nothing is made again with the next term."""
    searches = [result for result in done if result.name == "search"]
    found = next((hits for result in searches if (hits := ranked(result, terms))), ())
    if not found and len(searches) < min(SEARCHES_MAX, len(terms)):
        term = terms[len(searches)]
        again = "I found nothing. " if searches else ""
        arguments = {"query": term, "ignore_case": True, "max_results": _HITS_ASKED}
        return DemoTurn(f"{again}I search the code for “{term}”.\n", "search", arguments)
    return _told(found, tools, done) if found else DemoTurn(_nothing(terms, searches))


def _define(name: str, tools: frozenset[str], done: tuple[ToolResultPart, ...]) -> DemoTurn | None:
    """Where a name is defined, from the tool that parses the code; None when that knows nothing of it."""
    result = next((result for result in done if result.name == "definitions"), None)
    if result is None:
        return DemoTurn(f"I look up where “{name}” is defined.\n", "definitions", {"name": name})
    found = ranked(result, (name,))
    return _told(found, tools, done) if found else None


def _told(found: tuple[_Hit, ...], tools: frozenset[str], done: tuple[ToolResultPart, ...]) -> DemoTurn:
    """The answer, after a look at the lines around the best hit."""
    read = next((result for result in done if result.name == "read_file"), None)
    if read is None and "read_file" in tools:
        best = found[0]
        window = {"start_line": max(1, best.line - _LINES_BEFORE), "end_line": best.line + _LINES_AFTER}
        return DemoTurn(f"I read around {best.path}:{best.line}.\n", "read_file", {"path": best.path, **window})
    return DemoTurn(_answer(found, read))


def ranked(result: ToolResultPart, terms: tuple[str, ...]) -> tuple[_Hit, ...]:
    """The hits in a search's output, definitions before uses, code before tests and prose; otherwise as they came."""
    if result.is_error:
        return ()
    return tuple(sorted(_hits(result.output), key=lambda hit: _rank(hit, terms)))


def _hits(output: str) -> Iterator[_Hit]:
    for match in _HIT.finditer(output):
        yield _Hit(match["path"], int(match["line"]), match["text"].strip())


def _rank(hit: _Hit, terms: tuple[str, ...]) -> int:
    """`class Session` answers a question about Session better than `class SessionManager` does."""
    names = "|".join(re.escape(term.removesuffix("()")) for term in terms)
    definition = r"\b(?:def|class|function|interface|type|struct|fn|func)\s+"
    aside = re.search(r"(?:^|/)tests?/|\.(?:md|txt|rst|json|lock)$", hit.path)
    if re.search(rf"{definition}(?:{names})\b", hit.text):
        rank = 0
    else:
        rank = 1 if re.search(rf"{definition}\w*(?:{names})", hit.text, re.I) else 2
    return rank + (3 if aside else 0)


def _answer(found: tuple[_Hit, ...], read: ToolResultPart | None) -> str:
    best = found[0]
    others = "\n".join(f"- {hit.path}:{hit.line}: {hit.text[:120]}" for hit in found[1:_HITS_SHOWN])
    lines = _shown(_for_people(read.output)) if read is not None and not read.is_error else fenced(best.text)
    also = f"\n\nAlso found:\n{others}" if others else ""
    return (
        f"The best match is in {best.path}, line {best.line}:\n\n{lines}{also}\n\n"
        "(I am Parley's demo, not a language model: I searched, read, and understand none of it.)"
    )


def _for_people(output: str) -> str:
    """Without the advice that read_file adds for models."""
    first, newline, lines = output.partition("\n")
    return first.partition("; more lines follow")[0] + newline + lines


def _nothing(terms: tuple[str, ...], searches: list[ToolResultPart]) -> str:
    failed = next((result.output for result in searches if result.is_error), None)
    if failed is not None:
        return f"The search failed:\n\n{_shown(failed)}"
    tried = " and ".join(f"“{term}”" for term in terms[: len(searches)])
    return f"I searched for {tried} and found nothing. Try a name as it stands in the code, in `backticks`."


def _overview(done: tuple[ToolResultPart, ...]) -> DemoTurn:
    result = next((result for result in done if result.name == "overview"), None)
    if result is None:
        return DemoTurn("I look at the project as a whole.\n", "overview")
    return DemoTurn(f"This is what the project looks like:\n\n{_shown(result.output)}")


def _shown(output: str) -> str:
    cut = output if len(output) <= _SHOWN_CHARS else f"{output[:_SHOWN_CHARS]}…"
    return fenced(cut)
