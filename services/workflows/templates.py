"""Templates and expressions of workflows, worked out in a sandbox: values come in, text or values go out.

Nothing random and nothing from outside is in reach, so that a resumed workflow gets the same values again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from models.text import cleaned
from services.workflows.errors import TemplateFailed

RENDERED_MAX_CHARS = 12_000_000
"""A tool's output of 10 MB, and something around it."""
REPEATED_MAX = 100_000
EXPRESSION = re.compile(r"\s*\{\{(?P<expression>(?:(?!\{\{|\}\}).)*)\}\}\s*", re.DOTALL)
_LOADING = (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends)
_Access: TypeAlias = nodes.Getattr | nodes.Getitem


@dataclass(frozen=True, slots=True)
class Reference:
    """`input.key`, or `steps.key.attribute`; None where the name is worked out at run time."""

    root: str
    key: str | None
    attribute: str | None = None


class Sandbox(ImmutableSandboxedEnvironment):
    """A mapping's own keys come before its methods: an input may be called `items`."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_shown, keep_trailing_newline=True)
        for name in ("lipsum", "cycler", "joiner"):
            self.globals.pop(name, None)
        self.filters.pop("random", None)
        self.filters["fromjson"] = orjson.loads

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """A short expression must not make a text or a number that fills the memory."""
        if operator == "**" and any(abs(value) > 1_000 for value in (left, right)):
            raise TemplateError("** is for numbers up to 1000 here")
        for text, times in ((left, right), (right, left)):
            if isinstance(text, str | list | tuple) and isinstance(times, int) and len(text) * times > REPEATED_MAX:
                raise TemplateError(f"* may repeat up to a length of {REPEATED_MAX:,}")
        return super().call_binop(context, operator, left, right)


def _shown(value: Any) -> Any:
    """None is nothing; what is no text is JSON, as the tools and models around it write it."""
    if value is None:
        return ""
    if isinstance(value, bool | dict | list | tuple):
        return orjson.dumps(value, default=str).decode()
    return value


SANDBOX = Sandbox()


def rendered(source: str, values: Mapping[str, Any]) -> str:
    """Raises TemplateFailed, which says what was wrong."""
    try:
        parts: list[str] = []
        left = RENDERED_MAX_CHARS
        for part in SANDBOX.from_string(source).generate(values):
            left -= len(part)
            if left < 0:
                raise TemplateFailed(f"The text is longer than {RENDERED_MAX_CHARS:,} characters")
            parts.append(part)
        return cleaned("".join(parts))
    except TemplateFailed:
        raise
    except Exception as error:
        raise _failed(error) from None


def evaluated(expression: str, values: Mapping[str, Any]) -> Any:
    """An expression's value in its own type. Raises TemplateFailed."""
    try:
        value = SANDBOX.compile_expression(expression, undefined_to_none=False)(**values)
        if isinstance(value, Undefined):
            str(value)  # says which name it was
        return value
    except Exception as error:
        raise _failed(error) from None


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A tree of JSON with all its texts worked out. Raises TemplateFailed."""
    match value:
        case str() if match := EXPRESSION.fullmatch(value):
            return evaluated(match["expression"], values)
        case str():
            return rendered(value, values)
        case Mapping():
            return {key: filled(child, values) for key, child in value.items()}
        case list() | tuple():
            return [filled(child, values) for child in value]
        case _:
            return value


def template_problems(source: str) -> Iterator[str]:
    """What can never work, whatever the values."""
    try:
        SANDBOX.from_string(source)
        tree = SANDBOX.parse(source)
    except TemplateError as error:
        yield f"is no template: {error.message or error}"
        return
    if next(tree.find_all(_LOADING), None) is not None:
        yield "can't include or import"
    for name in sorted(find_undeclared_variables(tree) - {"input", "steps"} - set(SANDBOX.globals)):
        yield f"“{name}” is unknown: there are input and steps"


def expression_problems(source: str) -> Iterator[str]:
    try:
        SANDBOX.compile_expression(source)
    except TemplateError as error:
        yield f"is no expression: {error.message or error}"
        return
    yield from template_problems(_as_template(source))


def references(source: str, *, expression: bool = False) -> Iterator[Reference]:
    """What a template without problems refers to."""
    tree = SANDBOX.parse(_as_template(source) if expression else source)
    accesses: list[_Access] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    attributes = {id(access.node): _key(access) for access in accesses}
    for access in accesses:
        if isinstance(access.node, nodes.Name) and access.node.name in ("input", "steps"):
            yield Reference(access.node.name, _key(access), attributes.get(id(access)))


def _as_template(expression: str) -> str:
    return "{{ (" + expression + ") }}"


def _key(access: _Access) -> str | None:
    if isinstance(access, nodes.Getattr):
        return access.attr
    return str(access.arg.value) if isinstance(access.arg, nodes.Const) else None


def _failed(error: Exception) -> TemplateFailed:
    told = getattr(error, "message", None) or str(error) or "no reason given"
    return TemplateFailed(cleaned(f"{type(error).__name__}: {told}")[:500])
