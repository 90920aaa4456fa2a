// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { aMessage, anAnswered, anApproval } from "@parley/client/testing";
import type { Approval, Message } from "@parley/client";
import { NO_ACTIONS, TranscriptActionsContext } from "./actions";
import type { TranscriptActions } from "./actions";
import { MessageView } from "./MessageView";

afterEach(cleanup);

interface Shown {
  readonly approvals?: readonly Approval[];
  readonly results?: readonly Message[];
  readonly actions?: Partial<TranscriptActions>;
}

function show(message: Message, { approvals = [], results = [], actions = {} }: Shown = {}): HTMLElement {
  return render(
    <TranscriptActionsContext value={{ ...NO_ACTIONS, ...actions }}>
      <MessageView message={message} position={3} length={3} approvals={approvals} results={results} marked={false} continued={false} />
    </TranscriptActionsContext>,
  ).container;
}

const FINISHED = { status: "complete" } as const;

function of(kind: string, payload: object, change: Partial<Message> = {}): Message {
  return { ...aMessage({ id: "m", kind: kind as Message["kind"], payload: { kind, ...payload } }), ...FINISHED, ...change };
}

const AT = "2026-11-20T09:15:00.000Z";

test.each<[string, string, object, string]>([
  ["a plan with what is done", "plan", { items: [{ id: "1", text: "One", status: "done" }] }, "Plan1 of 1 doneOne"],
  ["a picture elsewhere as a link", "image", { source: "url", data: "https://example.org/a.png" }, "example.org/a.png"],
  ["what is no picture in words", "image", { source: "base64", data: "<svg>", mimeType: "image/png" }, "can’t be shown"],
  ["a file with its lines", "file_reference", { path: "a.py", startLine: 3, endLine: 9, content: "x" }, "lines 3–9"],
  ["a file that is not there", "file_reference", { path: "a.py", error: "There is no file" }, "There is no file"],
  ["a tree", "project_structure", { root: "src", type: "tree", content: "a\nb" }, "Folders and filessrc2 lines"],
  ["a resource with its server", "mcp_resource", { server: "tickets", uri: "t://1", content: "x" }, "t://1on tickets"],
  ["a workflow's progress", "workflow_execution", { name: "w", status: "paused", steps: [{ id: "a", status: "done" }] }, "1 of 1 step · paused"],
  ["another mode", "system_control", { control: "mode_switch", parameters: { mode: "act" } }, "Switched to act mode"],
  ["another branch", "system_control", { control: "branch_switch", parameters: { branch: "b" } }, "Switched to branch b"],
  ["another model", "system_control", { control: "model_switch", parameters: { model: "x" } }, "Switched to model x"],
  ["a merge", "system_control", { control: "merge", parameters: { source: "b", count: 1 } }, "Merged branch b: 1 message"],
  ["work that goes on", "processing", { stage: "Reading", startedAt: AT }, "Reading…"],
  ["work that is done", "processing", { stage: "Reading", startedAt: AT, finishedAt: "2026-11-20T09:15:01.500Z" }, "Reading, 1.5 s"],
  ["a kind from the future", "hologram", {}, "A message of the kind hologram"],
])("%s", (_, kind, payload, expected) => {
  expect(show(of(kind, payload, { content: "" })).textContent).toContain(expected);
});

test("a call that is asked for again waits, below what was said to it before, and says why", () => {
  const call = { callId: "c", name: "write_file", arguments: {}, risk: "unsafe", status: "pending", mode: "plan" };
  const question = "The session was switched to plan mode meanwhile.";
  const again = anApproval({ id: "a2", callId: "c", question, requestedAtUtc: "2026-11-20T09:16:00.000Z" });
  const before = anAnswered({ id: "a1", callId: "c", requestedAtUtc: AT });
  show(of("tool_request", { calls: [call] }), { approvals: [again, before] });
  expect(screen.getAllByTestId("approval").map(({ dataset }) => dataset["state"])).toEqual(["approved", "pending"]);
  expect(screen.getByTestId("asked-again").textContent).toContain("then the session was switched to plan mode");
});

test("a call that somebody changed shows the model's own arguments beside those that ran", () => {
  const changed = { arguments: { command: "ls docs" }, originalArguments: { command: "rm -r docs" } };
  const call = { callId: "changed", name: "run_command", ...changed, risk: "unsafe", status: "approved" };
  const page = show(of("tool_request", { calls: [call] }));
  for (const fold of page.querySelectorAll("details")) {
    fold.open = true;
    fireEvent(fold, new Event("toggle"));
  }
  expect(screen.getByTestId("models-arguments").textContent).toContain("before somebody changed itcommandrm -r docs");
  expect(page.querySelector("dl")?.textContent).toBe("commandls docs");
});

test("a call and its result are one line, with what came of it and how long it took", () => {
  const call = { callId: "c", name: "search", arguments: { query: "x" }, risk: "unsafe", status: "done" };
  const output = "a.py:1: x\nb.py:2: x";
  const result = of("tool_result", { callId: "c", name: "search", status: "ok", output, error: null, durationMs: 184 });
  const page = show(of("tool_request", { calls: [call] }), { results: [result] });
  expect(page.querySelectorAll("summary")).toHaveLength(1);
  expect(page.querySelector("summary")?.textContent).toBe("searchx2 matches in 2 files · 184 ms");
  expect(screen.getByLabelText("changes something; can’t be undone")).toBeTruthy();
});

test("of an error the line says why", () => {
  const result = of("tool_result", { callId: "c", name: "fetch", status: "timeout", output: "", error: "Too slow", durationMs: 60_000 });
  expect(show(result).querySelector("summary")?.textContent).toBe("fetchToo slowtimed out · 1 min 0 s");
});

test.each<[Message["status"], string | null, string]>([
  ["interrupted", null, "Interrupted: the reply ends here."],
  ["cancelled", null, "Stopped."],
  ["error", "error: the provider is down", "The reply broke off: the provider is down"],
  ["complete", "length", "cut off at the length limit"],
])("a reply that ended as %s (%s) says so", (status, finishReason, expected) => {
  expect(show(of("streaming_response", { model: "m", finishReason }, { status })).textContent).toContain(expected);
});

test("what a reply took stands at its end", () => {
  const usage = { inputTokens: 5, outputTokens: 1_412, estimated: true };
  const page = show(of("streaming_response", { model: "gpt", usage, totalDurationMs: 8_400, finishReason: "stop" }));
  expect(page.querySelector("footer")?.textContent).toBe("gpt · about 1,412 tokens · 8.4 s");
});

test("a message that its writer wants folded is folded under its summary", () => {
  const metadata = { displayHint: { summary: "The log", collapsed: true, icon: "terminal" } } as Message["metadata"];
  const page = show(aMessage({ content: "line by line", metadata }));
  expect(page.querySelector("details")?.open).toBe(false);
  expect(page.querySelector("summary")?.textContent).toBe("The log");
  expect(page.textContent).not.toContain("line by line");
});

test("only what is possible has a button", () => {
  const fork = vi.fn();
  show(aMessage({ ...FINISHED, role: "agent" }), { actions: { fork } });
  screen.getByTestId("message-fork").click();
  expect(fork).toHaveBeenCalledWith(expect.objectContaining({ role: "agent" }), 3);
  expect(screen.queryByTestId("message-pin")).toBeNull();
  expect(screen.queryByTestId("message-retry")).toBeNull();
});

test("what is pinned can be unpinned", () => {
  const message = aMessage({ ...FINISHED, id: "m" });
  const unpin = vi.fn();
  show(message, { actions: { pinned: new Set(["m"]), pin: vi.fn(), unpin } });
  screen.getByTestId("message-pin").click();
  expect(unpin).toHaveBeenCalledWith(message);
});
