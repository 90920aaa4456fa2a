"""Workflows from YAML: what is read, and how every mistake is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from patience import HANG_S

from models.errors import InvalidArgument
from services.workflows.definition import Input, ParallelStep, PromptStep, Retry, ToolStep, Workflow
from services.workflows.errors import WorkflowInvalid, WorkflowNotFound
from services.workflows.loading import load_file, load_folder, warn_of_unknown_tools
from services.workflows.registry import Workflows
from services.workflows.yaml_form import load_text

WHOLE = """
name: review
description: Looks at a folder.
inputs:
  path: {description: A folder}
  depth: {default: 3}
steps:
  - id: found
    tool: find_files
    with: {pattern: "*.py", path: "{{ input.path }}", nested: [1, {a: "{{ input.depth }}"}]}
    retry: {times: 2, delay_s: 0.5}
  - id: both
    when: steps.found.status == "done"
    parallel:
      - {id: a, tool: overview}
      - {id: b, prompt: "Look at {{ steps.found.output }}", model: demo, system: Be brief.}
"""


def test_everything_that_a_workflow_can_say_is_read() -> None:
    assert load_text(WHOLE) == Workflow(
        name="review",
        description="Looks at a folder.",
        inputs={"path": Input(description="A folder"), "depth": Input(False, 3)},
        steps=(
            ToolStep(
                "found",
                "find_files",
                {"pattern": "*.py", "path": "{{ input.path }}", "nested": [1, {"a": "{{ input.depth }}"}]},
                retry=Retry(2, 0.5),
            ),
            ParallelStep(
                "both",
                (
                    ToolStep("a", "overview"),
                    PromptStep("b", "Look at {{ steps.found.output }}", system="Be brief.", model="demo"),
                ),
                when='steps.found.status == "done"',
            ),
        ),
    )


A = "{id: a, tool: say}"
MISTAKES = [
    ("", "", "must be a mapping"),
    ("- a", "", "must be a mapping"),
    ("name: [", "", "is not YAML"),
    ("name: w\nname: v\nsteps: []", "", "“name” is given twice"),
    ("steps: [{id: a, tool: say}]", "name", "is missing"),
    (f"name: a b\nsteps: [{A}]", "name", "must be 1 to 64"),
    ("name: w", "steps", "at least one"),
    ("name: w\nsteps: {}", "steps", "must be a list"),
    (f"name: w\nsteps: [{A}]\nmore: 1", "more", "is unknown here"),
    ("name: w\nsteps: [a]", "steps.0", "must be a mapping"),
    ("name: w\nsteps: [{id: a}]", "steps.0", "it has none"),
    ("name: w\nsteps: [{id: a, tool: say, prompt: b}]", "steps.0", "it has tool and prompt"),
    ("name: w\nsteps: [{tool: say}]", "steps.0.id", "is missing"),
    ("name: w\nsteps: [{id: 1, tool: say}]", "steps.0.id", "must be a text"),
    ("name: w\nsteps: [{id: a-b, tool: say}]", "steps.0.id", "letters, digits and _"),
    ("name: w\nsteps: [{id: a, tool: 7}]", "steps.0.tool", "must be a text"),
    ("name: w\nsteps: [{id: a, tool: ''}]", "steps.0.tool", "must name a tool"),
    ("name: w\nsteps: [{id: a, prompt: ' '}]", "steps.0.prompt", "must not be empty"),
    ("name: w\nsteps: [{id: a, prompt: a, with: {}}]", "steps.0.with", "is unknown here"),
    ("name: w\nsteps: [{id: a, tool: a, with: [b]}]", "steps.0.with", "must be a mapping"),
    ("name: w\nsteps: [{id: a, tool: a, with: {d: 2026-01-01}}]", "steps.0.with.d", "is no JSON"),
    ("name: w\nsteps: [{id: a, tool: a, when: true}]", "steps.0.when", "must be a text"),
    ("name: w\nsteps: [{id: a, tool: a, when: '1 +'}]", "steps.0.when", "is no expression"),
    ("name: w\nsteps: [{id: a, tool: a, when: 'x > 1'}]", "steps.0.when", "“x” is unknown"),
    ("name: w\nsteps: [{id: a, tool: a, retry: 3}]", "steps.0.retry", "must be a mapping"),
    ("name: w\nsteps: [{id: a, tool: a, retry: {times: many}}]", "steps.0.retry.times", "whole number"),
    ("name: w\nsteps: [{id: a, tool: a, retry: {times: 0}}]", "steps.0.retry.times", "must be 1 to"),
    ("name: w\nsteps: [{id: a, tool: a, retry: {times: 1, delay_s: x}}]", "steps.0.retry.delay_s", "number of seconds"),
    ("name: w\nsteps: [{id: a, tool: a, retry: {times: 1, delay_s: -1}}]", "steps.0.retry.delay_s", "must be 0 to"),
    ("name: w\nsteps: [{id: a, tool: a, retry: {times: 1, wait: 1}}]", "steps.0.retry.wait", "is unknown here"),
    (f"name: w\nsteps: [{A}, {A}]", "steps.0.id", "“a” is used 2 times"),
    ("name: w\nsteps: [{id: p, parallel: []}]", "steps.0.parallel", "at least one"),
    (f"name: w\nsteps: [{{id: p, parallel: [{{id: q, parallel: [{A}]}}]}}]", "steps.0.parallel.0", "can't be nested"),
    ("name: w\nsteps: [{id: a, prompt: '{{ steps.a.output }}'}]", "steps.0.prompt", "only earlier steps"),
    ("name: w\nsteps: [{id: b, prompt: '{{ steps.a.output }}'}, " + A + "]", "steps.0.prompt", "only earlier steps"),
    (
        "name: w\nsteps: [{id: p, parallel: [" + A + ", {id: b, prompt: \"x {{ steps['a'].output }}\"}]}]",
        "steps.0.parallel.1.prompt",
        "only earlier steps",
    ),
    ("name: w\nsteps: [{id: a, prompt: 'x {{ steps.z.output }}'}]", "steps.0.prompt", "there is no step “z”"),
    ("name: w\nsteps: [{id: a, prompt: 'x {{ input.z }}'}]", "steps.0.prompt", "there is no input “z”"),
    ("name: w\nsteps: [" + A + ", {id: b, prompt: '{{ steps.a.outptu }}'}]", "steps.1.prompt", "no “outptu”"),
    ("name: w\nsteps: [{id: a, prompt: '{{ 1 | nonsense }}'}]", "steps.0.prompt", "No filter named"),
    ("name: w\nsteps: [{id: a, prompt: '{% if %}'}]", "steps.0.prompt", "is no template"),
    ("name: w\nsteps: [{id: a, prompt: '{% include \"/etc/passwd\" %}'}]", "steps.0.prompt", "can't include"),
    (f"name: w\ninputs: 7\nsteps: [{A}]", "inputs", "must be a list of names"),
    (f"name: w\ninputs: {{a: 7}}\nsteps: [{A}]", "inputs.a", "must be a mapping"),
    (f"name: w\ninputs: [a b]\nsteps: [{A}]", "inputs.a b", "letters, digits and _"),
    (f"name: w\ninputs: {{a: {{required: x}}}}\nsteps: [{A}]", "inputs.a.required", "true or false"),
    (f"name: w\ninputs: {{a: {{required: true, default: 1}}}}\nsteps: [{A}]", "inputs.a", "has a default"),
    (f"name: w\ninputs: {{a: {{default: !!set {{b}}}}}}\nsteps: [{A}]", "inputs.a.default", "as JSON"),
    ("name: w\nsteps: [" + ", ".join(f"{{id: s{n}, tool: a}}" for n in range(101)) + "]", "steps", "at most 100"),
]


@pytest.mark.parametrize(("text", "field", "told"), MISTAKES, ids=[f"{i}-{m[2]}" for i, m in enumerate(MISTAKES)])
def test_a_mistake_is_named_with_its_place(text: str, field: str, told: str) -> None:
    with pytest.raises(WorkflowInvalid) as refused:
        load_text(text, "w.yaml")
    assert any(each.field == field and told in each.message for each in refused.value.problems), refused.value.problems
    assert refused.value.message.startswith("w.yaml: ")
    assert "\n" not in refused.value.message


def test_all_mistakes_are_named_at_once_and_none_twice() -> None:
    text = """
name: w
inputs: {a: 7}
steps:
  - {id: x, tool: say, retry: {times: 99}}
  - {id: x, prompt: "{{ steps.gone.output }} {{ steps.gone.output }}"}
  - {id: y, tool: 7, when: "("}
  - {id: z}
  - {id: end, tool: say, with: {a: "{{ steps.z.output }}"}}
"""
    with pytest.raises(WorkflowInvalid) as refused:
        load_text(text)
    fields = [each.field for each in refused.value.problems]
    assert sorted(fields) == [
        "inputs.a",
        "steps.0.id",
        "steps.0.retry.times",
        "steps.1.id",
        "steps.1.prompt",
        "steps.2.tool",
        "steps.2.when",
        "steps.3",
    ]
    assert refused.value.details["fields"][0].keys() == {"field", "message"}


def test_a_folder_is_read_whole_and_its_mistakes_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(WHOLE)
    (tmp_path / "b.yml").write_text("name: w\nsteps: [{id: a, tool: say}]")
    (tmp_path / "readme.txt").write_text("not one")
    assert sorted(load_folder(tmp_path, {"say"})) == ["review", "w"]
    (tmp_path / "c.yaml").write_text("name: w\nsteps: [{id: a, tool: say}]")
    (tmp_path / "d.yaml").write_text("steps: []")
    (tmp_path / "e.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(WorkflowInvalid) as refused:
        load_folder(tmp_path)
    told = refused.value.message
    assert "c.yaml: name: “w” is the name of another workflow" in told
    assert "d.yaml: name: is missing" in told
    assert "e.yaml: : can't be read" not in told
    assert "e.yaml: can't be read" in told


def test_what_is_no_folder_and_what_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkflowInvalid, match="is no folder"):
        load_folder(tmp_path / "gone")
    (tmp_path / "big.yaml").write_text("#" * 1_000_001)
    with pytest.raises(WorkflowInvalid, match="is larger than"):
        load_file(tmp_path / "big.yaml")


def test_tools_that_nobody_offers_are_a_warning() -> None:
    workflow = load_text(WHOLE)
    assert warn_of_unknown_tools(workflow, {"find_files"}) == ("overview",)
    assert warn_of_unknown_tools(workflow, None) == ()


def test_the_registry_describes_what_it_holds_and_names_what_it_knows() -> None:
    workflows = Workflows({"review": load_text(WHOLE)})
    (described,) = workflows.describe()
    assert described["tools"] == ["find_files", "overview"]
    assert described["inputs"][1] == {"name": "depth", "required": False, "default": 3, "description": ""}
    assert [(step["id"], step["group"]) for step in described["steps"]] == [
        ("found", None),
        ("both", None),
        ("a", "both"),
        ("b", "both"),
    ]
    with pytest.raises(WorkflowNotFound, match="known: review"):
        workflows.get("nothing")
    with pytest.raises(WorkflowInvalid, match="there must be at least one"):
        workflows.add(Workflow("empty", ()))


def test_input_is_completed_and_what_does_not_fit_is_named() -> None:
    workflow = load_text(WHOLE)
    assert workflow.complete({"path": "src"}) == {"path": "src", "depth": 3}
    for given, field in (({}, "input.path"), ({"path": None}, "input.path"), ({"path": "a", "x": 1}, "input.x")):
        with pytest.raises(InvalidArgument) as refused:
            workflow.complete(given)
        assert refused.value.details["field"] == field


def test_the_example_of_the_readme_is_a_workflow() -> None:
    page = (Path(__file__).parents[3] / "services" / "workflows" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    workflow = load_text(example)
    assert [step.id for step, _ in workflow.flat()] == ["both", "text", "outlined", "long", "review"]


def test_a_server_without_workflows_loads_neither_yaml_nor_templates() -> None:
    look = "import sys, web.app; print(sorted({'yaml', 'jinja2'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=HANG_S, check=True)
    assert told.stdout.strip() == "[]"
