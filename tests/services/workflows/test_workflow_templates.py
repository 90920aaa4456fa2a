"""The sandbox: what templates can say, and that nothing leads out of it."""

from __future__ import annotations

from typing import Any

import pytest

from services.workflows.errors import TemplateFailed
from services.workflows.templates import evaluated, filled, rendered, template_problems

VALUES: dict[str, Any] = {
    "input": {"items": [1, 2], "name": "Ann", "n": 3, "none": None, "deep": {"keys": "k"}},
    "steps": {"a": {"output": '{"x": [1, 2]}', "status": "done", "error": ""}},
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello {{ input.name }}!", "Hello Ann!"),
        ("{{ input.items }} {{ input.deep.keys }}", "[1,2] k"),
        ("{{ input.none }}{{ true }}", "true"),
        ("{% if input.n > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% for i in input['items'] %}{{ i }};{% endfor %}", "1;2;"),
        ("{{ (steps.a.output | fromjson).x | sum }}", "3"),
        ("{{ input.name | upper }}\n", "ANN\n"),
        ("{{ 'ab' * 3 }} {{ 2 ** 3 }}", "ababab 8"),
    ],
)
def test_text_is_worked_out(source: str, text: str) -> None:
    assert rendered(source, VALUES) == text


def test_an_expression_alone_keeps_its_type_everywhere_in_a_tree() -> None:
    tree = {"a": "{{ input['items'] }}", "b": ["{{ input.n }}", "n={{ input.n }}", None, 1.5], "c": "{{ input.none }}"}
    assert filled(tree, VALUES) == {"a": [1, 2], "b": [3, "n=3", None, 1.5], "c": None}
    assert filled("{{ input.n }}{{ input.n }}", VALUES) == "33"


@pytest.mark.parametrize(
    "expression",
    [
        "().__class__",
        "''.__class__.__mro__[1].__subclasses__()",
        "input.__class__",
        "input.name.__init__.__globals__",
        "input['name']['__class__']",
        "(input.name | attr('__class__')).__mro__",
        "range.__globals__",
        "self.__init__",
        "dict.__base__",
        "namespace.__init__.__globals__",
        "'{0.__class__}'.format(input)",
        "'{x.__class__}'.format_map({'x': 1})",
        "input.update({'name': 'x'})",
        "input['items'].append(3)",
        "steps.nothing",
        "input.nothing.more",
        "steps['nothing'].output",
        "unknown",
        "lipsum()",
        "[1, 2] | random",
        "range(1000000) | list",
        "'x' * 1000000000",
        "1000000000 * 'x'",
        "[0] * 1000000000",
        "9 ** 99999",
        "99999 ** 9",
        "1 / 0",
        "input.name + 1",
        "'{' | fromjson",
    ],
)
def test_nothing_leads_out_and_what_fails_says_so(expression: str) -> None:
    with pytest.raises(TemplateFailed) as failed:
        evaluated(expression, VALUES)
    assert failed.value.message
    with pytest.raises(TemplateFailed):
        rendered("x {{ " + expression + " }}", VALUES)


def test_a_value_is_never_read_as_a_template() -> None:
    values = {"input": {"text": "{{ 7 * 7 }}{% include 'x' %}"}, "steps": {}}
    assert rendered("{{ input.text }}", values) == filled("{{ input.text }}", values) == values["input"]["text"]


def test_a_text_without_end_is_stopped() -> None:
    endless = "{% for a in range(90000) %}{% for b in range(90000) %}{{ input.name * 10000 }}{% endfor %}{% endfor %}"
    with pytest.raises(TemplateFailed, match="longer than"):
        rendered(endless, VALUES)


def test_text_that_can_not_be_stored_is_cleaned() -> None:
    assert rendered("{{ '\\0' }}", VALUES) == "\N{REPLACEMENT CHARACTER}"


def test_what_can_never_work_is_found_before() -> None:
    assert list(template_problems("{{ self.x }} {{ other }}")) == ["“other” is unknown: there are input and steps"]
    assert list(template_problems("{% import 'a' as b %}")) == ["can't include or import"]
    assert list(template_problems("{% set x = 1 %}{{ x }}{{ range(3) | list }}")) == []
