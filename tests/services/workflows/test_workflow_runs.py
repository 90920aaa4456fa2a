"""Executions from end to end: chains, conditions, parallel steps, retries, failures, prompts, approvals, cancelling."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from patience import HANG_S
from workflow_world import Bench, statuses, steps_of, workflow_shop
from world import Gate, eventually, say

from models.calls import ApprovalAnswer
from models.commands import CancelRun, SetMode
from models.errors import InvalidArgument, PayloadTooLarge
from models.events import ContextStateChanged
from models.messages import Metadata
from models.usage import Usage
from services.access import LOCAL
from services.llm.scripted import Break, Finish, Mark, Pause, Refuse, Say, Script, Turns, Unavailable
from services.workflows.definition import Input, PromptStep, ToolStep, Workflow
from services.workflows.errors import WorkflowNotFound

WELL: Script = (Say("all "), Say("well"), Finish("stop", Usage(input_tokens=5, output_tokens=2)))

CHAIN = """
inputs: [word]
steps:
  - {id: a, tool: say, with: {text: "{{ input.word }}!"}}
  - {id: b, tool: say, with: {text: "{{ steps.a.output }}{{ steps.a.output }}"}}
  - {id: c, prompt: "What is {{ steps.b.output }}?"}
"""


async def test_a_chain_hands_each_output_on_and_streams_its_prompts_reply() -> None:
    bench = Bench()
    async with workflow_shop(CHAIN, bench=bench, script=WELL) as shop:
        session_id = await shop.begin(word="hi")
        await shop.until(session_id, "COMPLETED")
        payload = await shop.execution(session_id)
        assert (payload.status, payload.result, payload.error) == ("completed", "all well", None)
        assert bench.calls == ["say hi!", "say hi!hi!"]
        assert {step["id"]: step["output"] for step in payload.steps} == {"a": "hi!", "b": "hi!hi!", "c": "all well"}
        assert [m.content for m in shop.provider.requests[0].messages] == ["What is hi!hi!?"]
        assert shop.provider.requests[0].tools == ()
        messages = await shop.room.messages(session_id)
        assert [m.kind for m in messages] == [
            "text",
            "workflow_execution",
            "tool_request",
            "tool_result",
            "tool_request",
            "tool_result",
            "streaming_response",
        ]
        assert messages[0].metadata.source == "user_workflow"
        assert messages[0].metadata.original_input == '{"word":"hi"}'
        assert "word" in messages[0].content
        assert messages[-1].author == "workflow:w"
        assert steps_of(payload)["c"]["messageId"] == messages[-1].id
        assert shop.room.state(session_id).usage.input_tokens == 5


async def test_the_progress_is_told_before_and_after_every_step() -> None:
    async with workflow_shop(CHAIN, bench=Bench(), script=WELL) as shop:
        session_id = await shop.begin(word="hi")
        await shop.until(session_id, "COMPLETED")
        told = []
        for event in shop.room.of(session_id):
            message = getattr(event.body, "message", None)
            if message is not None and message.kind == "workflow_execution":
                told.append("".join(step["status"][0] for step in message.payload.steps))
        assert told == ["ppp", "rpp", "dpp", "drp", "ddp", "ddr", "ddd", "ddd"]
        names = [e.body.state.name for e in shop.room.of(session_id) if isinstance(e.body, ContextStateChanged)]
        assert names.count("processing_workflow") > 3
        assert names[-1] == "active"


async def test_an_expression_alone_keeps_its_type_and_defaults_stand_in() -> None:
    text = """
inputs: {n: {default: 4}, m: }
steps:
  - {id: a, tool: add, with: {left: "{{ input.n }}", right: "{{ input.m + 1 }}"}}
"""
    async with workflow_shop(text, bench=Bench()) as shop:
        assert (await shop.run(m=2)).result == "7"


async def test_conditions_skip_steps_and_what_follows_sees_it() -> None:
    text = """
inputs: [n]
steps:
  - {id: big, tool: say, with: {text: big}, when: input.n > 10}
  - {id: small, tool: say, with: {text: small}, when: steps.big.status == "skipped"}
  - id: both
    when: input.n > 10
    parallel: [{id: x, tool: say, with: {text: x}}]
  - {id: end, tool: say, with: {text: "{{ steps.big.output }}{{ steps.small.output }}{{ steps.x.output }}"}}
"""
    bench = Bench()
    async with workflow_shop(text, bench=bench) as shop:
        few, many = await shop.run(n=1), await shop.run(n=11)
        assert (few.result, many.result) == ("small", "bigx")
        assert statuses(few) == {"big": "skipped", "small": "done", "both": "skipped", "x": "skipped", "end": "done"}
        assert "say x" in bench.calls


async def test_parallel_tools_run_side_by_side_in_one_request_and_prompts_follow() -> None:
    text = """
steps:
  - id: both
    parallel:
      - {id: a, tool: say, with: {text: a}}
      - {id: p, prompt: Well}
      - {id: b, tool: say, with: {text: b}}
      - {id: skip, tool: say, with: {text: skip}, when: "false"}
  - {id: end, tool: say, with: {text: "{{ steps.both.output }}"}}
"""
    bench, a, b = Bench(), Gate(), Gate()
    bench.gates = {"say a": a, "say b": b}
    async with workflow_shop(text, bench=bench, script=WELL) as shop:
        session_id = await shop.begin()
        await asyncio.wait_for(asyncio.gather(a.reached.wait(), b.reached.wait()), HANG_S)
        assert statuses(await shop.execution(session_id))["p"] == "pending"
        a.open.set()
        b.open.set()
        await shop.until(session_id, "COMPLETED")
        payload = await shop.execution(session_id)
        assert bench.most_at_work == 2
        kinds = [m.kind for m in await shop.room.messages(session_id)]
        assert kinds.count("tool_request") == 2
        assert statuses(payload) == {
            "both": "done",
            "a": "done",
            "p": "done",
            "b": "done",
            "skip": "skipped",
            "end": "done",
        }
        assert payload.result == "a:\na\n\np:\nall well\n\nb:\nb"


async def test_a_failed_step_fails_the_workflow_with_its_reason_and_the_rest_is_skipped() -> None:
    bench = Bench()
    bench.failures = {"say hi!": 1}
    async with workflow_shop(CHAIN, bench=bench) as shop:
        session_id = await shop.begin(word="hi")
        await shop.until(session_id, "FAILED")
        payload = await shop.execution(session_id)
        assert payload.status == "failed"
        assert payload.error is not None
        assert payload.error.startswith("step “a” failed: ")
        assert "say hi! went wrong" in payload.error
        assert statuses(payload) == {"a": "failed", "b": "skipped", "c": "skipped"}
        (run,) = await shop.room.runs(session_id)
        assert run.reason == f"workflow_failed: {payload.error}"
        assert shop.room.state(session_id).state.name == "error"
        assert shop.room.state(session_id).workflow is None


@pytest.mark.parametrize(
    ("failures", "state", "attempts"), [(1, "COMPLETED", 2), (2, "COMPLETED", 3), (3, "FAILED", 3)]
)
async def test_a_step_is_tried_again_as_often_as_it_says(failures: int, state: str, attempts: int) -> None:
    text = "steps: [{id: a, tool: say, with: {text: a}, retry: {times: 2, delay_s: 1.5}}]"
    bench = Bench()
    bench.failures = {"say a": failures}
    async with workflow_shop(text, bench=bench) as shop:
        payload = await shop.run(state=state)
        assert payload.steps[0]["attempts"] == attempts == len(bench.calls)
        assert shop.waits == [1.5] * (attempts - 1)


async def test_parallel_steps_are_retried_alone_and_one_that_fails_for_good_fails_them_all() -> None:
    text = """
steps:
  - id: both
    parallel:
      - {id: a, tool: say, with: {text: a}, retry: {times: 1}}
      - {id: b, tool: say, with: {text: b}}
      - {id: c, tool: say, with: {text: c}}
      - {id: p, prompt: never}
"""
    bench = Bench()
    bench.failures = {"say a": 1, "say b": 1}
    async with workflow_shop(text, bench=bench, script=WELL) as shop:
        payload = await shop.run(state="FAILED")
        assert statuses(payload) == {"both": "failed", "a": "done", "b": "failed", "c": "done", "p": "skipped"}
        assert sorted(bench.calls) == ["say a", "say a", "say b", "say c"]
        assert payload.error is not None
        assert "b: " in payload.error
        assert len(shop.provider.requests) == 0


async def test_an_unknown_tool_and_a_value_that_is_not_there_fail_their_steps() -> None:
    text = "steps: [{id: a, tool: nothing, retry: {times: 1}}]"
    other = "steps: [{id: a, tool: say, with: {text: \"{{ input['x'] }}\"}}]"
    condition = 'steps: [{id: a, tool: say, when: "1 / 0"}]'
    for definition, told in ((text, "There is no tool"), (condition, "ZeroDivisionError")):
        async with workflow_shop(definition, bench=Bench()) as shop:
            payload = await shop.run(state="FAILED")
            assert payload.error is not None
            assert told in payload.error
    with pytest.raises(InvalidArgument, match="no input “x”"):
        async with workflow_shop(other):
            pass


@pytest.mark.parametrize(
    "step",
    [
        "tool: say, with: {text: '{{ steps[input.x].output }}'}",
        "prompt: 'Of {{ steps[input.x].output }}'",
        "tool: say, with: {text: '{{ {1: 2} }}'}",
    ],
)
async def test_a_value_that_shows_to_be_missing_or_unfit_only_at_run_time_fails_the_step(step: str) -> None:
    bench = Bench()
    async with workflow_shop(f"inputs: [x]\nsteps: [{{id: a, {step}, retry: {{times: 2}}}}]", bench=bench) as shop:
        payload = await shop.run(x="gone", state="FAILED")
        assert (payload.error or "").startswith("step “a” failed: ")
        assert payload.steps[0]["attempts"] == 1
        assert bench.calls == []


@pytest.mark.parametrize("original", [None, "no JSON", "[1]"])
async def test_a_message_that_holds_no_input_fails_the_run_and_says_so(original: str | None) -> None:
    async with workflow_shop(CHAIN, bench=Bench()) as shop:
        session_id = await shop.session()
        asked = say("go", agent="workflow:w")
        await shop.room.do(session_id, replace(asked, metadata=Metadata(original_input=original)))
        await shop.until(session_id, "FAILED")
        (run,) = await shop.room.runs(session_id)
        assert run.reason is not None
        assert run.reason.startswith("invalid_argument: ")


async def test_a_prompt_that_breaks_or_is_unavailable_is_asked_again_with_patience() -> None:
    script = Turns((Unavailable(),), (Say("half"), Break("cut")), WELL)
    async with workflow_shop("steps: [{id: a, prompt: Well}]", script=script) as shop:
        payload = await shop.run()
        assert (payload.result, payload.steps[0]["attempts"]) == ("all well", 3)
        assert shop.waits == [2.0, 2.0]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ((Refuse("bad key"),), "bad key"),
        ((Say("No."), Finish("refusal")), "the model refused"),
        ((Say(" "), Finish()), "no words"),
    ],
)
async def test_a_refusal_fails_the_prompt(script: Script, told: str) -> None:
    async with workflow_shop("steps: [{id: a, prompt: Well}]", script=script) as shop:
        payload = await shop.run(state="FAILED")
        assert payload.error is not None
        assert told in payload.error


async def test_a_prompt_whose_reply_breaks_behind_its_first_word_is_asked_for_once_more() -> None:
    async with workflow_shop("steps: [{id: a, prompt: Well}]", script=(Say("half"), Break("cut"))) as shop:
        payload = await shop.run(state="FAILED")
        assert "cut" in (payload.error or "")
        assert len(shop.provider.requests) == 2


async def test_what_a_prompt_cost_is_counted_though_its_reply_had_no_words() -> None:
    cost = Usage(input_tokens=7, output_tokens=1)
    async with workflow_shop("steps: [{id: a, prompt: Well}]", script=(Finish("refusal", cost),)) as shop:
        session_id = await shop.begin()
        await shop.until(session_id, "FAILED")
        assert shop.room.state(session_id).usage == cost


async def test_a_prompt_may_name_its_model_and_its_instructions() -> None:
    steps = (PromptStep("a", "Say {{ input.n }}", system="Be {{ input.n }}", model="scripted:gone"),)
    async with workflow_shop(Workflow("w", steps, inputs={"n": Input()}), script=WELL) as shop:
        payload = await shop.run(state="FAILED", n="brief")
        assert payload.error is not None
        assert "gone" in payload.error
    async with workflow_shop(
        Workflow("w", (PromptStep("a", "Say {{ input.n }}", system="Be {{ input.n }}"),), inputs={"n": Input()}),
        script=WELL,
    ) as shop:
        await shop.run(n="brief")
        assert shop.provider.requests[0].system == "Be brief"


async def test_a_big_output_is_whole_for_the_next_step_and_cut_in_the_progress_and_the_prompt() -> None:
    text = """
steps:
  - {id: a, tool: fill, with: {size: 3000000}}
  - {id: n, tool: say, with: {text: "{{ steps.a.output|length }} {{ steps.a.output[-3:] }}"}}
  - {id: p, prompt: "Sum up: {{ steps.a.output }}"}
"""
    async with workflow_shop(text, bench=Bench(), script=WELL) as shop:
        session_id = await shop.begin()
        await shop.until(session_id, "COMPLETED")
        payload = await shop.execution(session_id)
        assert steps_of(payload)["n"]["output"] == "3000000 end"
        assert steps_of(payload)["a"]["outputChars"] == 3_000_000
        assert len(payload.model_dump_json()) < 10_000
        sent = shop.provider.requests[0].messages[0].content
        assert sent.startswith("Sum up: xxx")
        assert sent.endswith("end")
        assert "characters are left out" in sent
        assert len(sent) < 1_000_000


async def test_arguments_beyond_a_megabyte_fail_the_step() -> None:
    text = """
steps:
  - {id: a, tool: fill, with: {size: 2000000}}
  - {id: b, tool: say, with: {text: "{{ steps.a.output }}"}}
"""
    async with workflow_shop(text, bench=Bench()) as shop:
        payload = await shop.run(state="FAILED")
        assert payload.error is not None
        assert "arguments are larger" in payload.error


SENDING = """
steps:
  - {id: a, tool: send, with: {text: hello}, retry: {times: 3}}
  - {id: b, tool: say, with: {text: "{{ steps.a.output }}"}}
"""


@pytest.mark.parametrize(("decision", "state"), [("approve", "COMPLETED"), ("deny", "FAILED")])
async def test_a_tool_that_asks_waits_for_the_user_inside_the_workflow(decision: str, state: str) -> None:
    bench = Bench()
    async with workflow_shop(SENDING, bench=bench) as shop:
        session_id = await shop.begin()
        await eventually(lambda: shop.room.state(session_id).approvals)
        assert shop.room.state(session_id).state.name == "awaiting_user"
        assert bench.calls == []
        (approval,) = shop.room.state(session_id).approvals
        answer = ApprovalAnswer.model_validate({"approval_id": approval.id, "decision": decision, "reason": "not now"})
        await shop.chat.resolve_approval(LOCAL, session_id, answer)
        await shop.until(session_id, state)
        payload = await shop.execution(session_id)
        if decision == "approve":
            assert payload.result == "sent hello"
        else:
            assert payload.error is not None
            assert "not now" in payload.error
            assert payload.steps[0]["attempts"] == 1, "what was denied is not asked for again"


async def test_in_plan_mode_a_tool_that_changes_things_fails_its_step() -> None:
    async with workflow_shop(SENDING, bench=Bench()) as shop:
        session_id = await shop.session()
        await shop.room.sessions.handle(session_id, SetMode("plan"), LOCAL)
        await shop.begin(session_id=session_id)
        await shop.until(session_id, "FAILED")
        assert "plan mode" in ((await shop.execution(session_id)).error or "")


async def test_i6_cancelling_in_a_tool_stops_it_and_closes_the_execution() -> None:
    bench, gate = Bench(), Gate()
    bench.gates = {"say hi!": gate}
    async with workflow_shop(CHAIN, bench=bench) as shop:
        session_id = await shop.begin(word="hi")
        await asyncio.wait_for(gate.reached.wait(), HANG_S)
        await shop.room.do(session_id, CancelRun())
        await eventually(lambda: bench.at_work == 0)
        assert (await shop.execution(session_id)).status == "cancelled"
        assert shop.room.state(session_id).state.name == "active"
        assert [result.status for result in await shop.results(session_id)] == ["cancelled"]


async def test_i6_cancelling_in_a_prompt_or_in_an_approval_closes_the_execution() -> None:
    asked, never = asyncio.Event(), asyncio.Event()
    script: Script = (Say("half"), Mark(asked), Pause(never))
    async with workflow_shop("steps: [{id: a, prompt: Well}]", script=script) as shop:
        session_id = await shop.begin()
        await asyncio.wait_for(asked.wait(), HANG_S)
        await shop.room.do(session_id, CancelRun())
        await eventually(lambda: shop.provider.open_streams == 0)
        assert (await shop.execution(session_id)).status == "cancelled"
    async with workflow_shop(SENDING, bench=Bench()) as shop:
        session_id = await shop.begin()
        await eventually(lambda: shop.room.state(session_id).approvals)
        await shop.room.do(session_id, CancelRun())
        assert (await shop.execution(session_id)).status == "cancelled"
        assert shop.room.state(session_id).approvals == ()


async def test_a_message_that_steers_is_kept_and_the_workflow_is_not_run_again() -> None:
    bench, gate = Bench(), Gate()
    bench.gates = {"say hi!": gate}
    async with workflow_shop(CHAIN, bench=bench, script=WELL) as shop:
        session_id = await shop.begin(word="hi")
        await asyncio.wait_for(gate.reached.wait(), HANG_S)
        await shop.room.do(session_id, say("faster", on_busy="steer"))
        gate.open.set()
        await shop.until(session_id, "COMPLETED")
        assert bench.calls == ["say hi!", "say hi!hi!"]
        assert len(await shop.room.runs(session_id)) == 1


async def test_two_executions_in_one_session_follow_each_other() -> None:
    bench = Bench()
    async with workflow_shop(
        "inputs: [n]\nsteps: [{id: a, tool: say, with: {text: '{{ input.n }}'}}]", bench=bench
    ) as s:
        session_id = await s.session()
        for number in ("1", "2", "3"):
            await s.begin(session_id=session_id, n=number)
        await eventually(lambda: len(bench.calls) == 3)
        await s.until(session_id, "COMPLETED")
        assert bench.calls == ["say 1", "say 2", "say 3"]


async def test_a_workflow_that_failed_is_tried_again_from_its_first_step() -> None:
    bench = Bench()
    bench.failures = {"say hi!hi!": 1}
    async with workflow_shop(CHAIN, bench=bench, script=WELL) as shop:
        session_id = await shop.begin(word="hi")
        await shop.until(session_id, "FAILED")
        await shop.chat.retry(LOCAL, session_id)
        await shop.until(session_id, "COMPLETED")
        assert bench.calls == ["say hi!", "say hi!hi!"] * 2
        assert [run.agent for run in await shop.room.runs(session_id)] == ["workflow:w"] * 2


async def test_bad_input_is_refused_before_anything_begins_and_names_the_field() -> None:
    async with workflow_shop(CHAIN, bench=Bench()) as shop:
        session_id = await shop.session()
        for given, field in (({}, "input.word"), ({"word": "a", "x": 1}, "input.x")):
            with pytest.raises(InvalidArgument) as refused:
                await shop.chat.execute_workflow(LOCAL, session_id, "w", given)
            assert refused.value.details["field"] == field
        with pytest.raises(PayloadTooLarge):
            await shop.chat.execute_workflow(LOCAL, session_id, "w", {"word": "a" * 20_000})
        with pytest.raises(WorkflowNotFound):
            await shop.chat.execute_workflow(LOCAL, session_id, "nothing", {})
        assert await shop.room.messages(session_id) == ()


async def test_the_same_client_message_id_starts_one_execution() -> None:
    bench = Bench()
    async with workflow_shop(Workflow("w", (ToolStep("a", "say", {"text": "a"}),)), bench=bench) as shop:
        session_id = await shop.session()
        first = await shop.chat.execute_workflow(LOCAL, session_id, "w", {}, "c1")
        assert await shop.chat.execute_workflow(LOCAL, session_id, "w", {}, "c1") == first
        await shop.until(session_id, "COMPLETED")
        assert bench.calls == ["say a"]
