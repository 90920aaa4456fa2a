/** What tools, approvals and their outcomes are called on the page. Words only. */

import { CallError, messageOf } from "@parley/client";
import type { Approval, ToolCall, ToolResult } from "@parley/client";

const RISK_WORDS: Readonly<Record<string, string>> = {
  read_only: "It only reads.",
  idempotent: "It changes something; doing it twice is the same as once.",
  unsafe: "It changes something and can’t be undone or repeated safely.",
};

/** What can happen when the tool runs. A risk that this page doesn't know counts as the worst. */
export function riskWords(risk: string | null): string {
  return RISK_WORDS[risk ?? ""] ?? "It may change something.";
}

export const CALL_WORDS: Readonly<Record<ToolCall["status"], string>> = {
  pending: "waiting for approval",
  approved: "approved",
  denied: "denied",
  executing: "running…",
  done: "",
};

const RESULT_WORDS: Readonly<Record<ToolResult["status"], string>> = {
  ok: "ok",
  error: "failed",
  denied: "denied",
  timeout: "timed out",
  cancelled: "stopped",
  interrupted: "interrupted",
};

/** By the server's own rules, not by somebody. */
export const POLICY = "policy";

/** One line of what became of an approval: who decided, and what. `me` is this client's user. */
export function answeredWords(approval: Approval, me: string | null): string {
  const { state, kind, answer, tool } = approval;
  const by = byWords(approval.decidedBy, me);
  const said = answer === null || answer === "" ? "" : `: ${answer}`;
  switch (state) {
    case "pending":
      return "Waiting for an answer";
    case "approved":
      return approvedWords(approval) + by;
    case "denied":
      return (kind === "tool" ? "Denied" : "Declined") + by + said;
    case "responded":
      return `Answered${by}${said}`;
    case "cancelled":
      return `${tool ?? "The question"} was withdrawn before anyone answered`;
    case "expired":
      return `Nobody answered in time`;
  }
}

function approvedWords({ decision, scope }: Approval): string {
  const changed = decision === "edit" ? " with changes" : "";
  return `Approved${changed}${scope === "session" ? " for this session" : ""}`;
}

export function byWords(decidedBy: string | null, me: string | null): string {
  if (decidedBy === null || decidedBy === "") return "";
  return decidedBy === me ? " by you" : ` by ${decidedBy}`;
}

/** Why an answer did not count. Somebody was faster: that is no fault of anyone's. */
export function refusalWords(error: unknown, me: string | null): string {
  if (!(error instanceof CallError)) return messageOf(error);
  if (error.code === "approval_not_found") return "This is no longer waiting for an answer.";
  if (error.code !== "approval_resolved") return error.message;
  const { decidedBy, decision } = error.details;
  const who = decidedBy === me ? "you" : typeof decidedBy === "string" ? decidedBy : "somebody";
  const what = DECISION_WORDS[String(decision)] ?? "answered";
  const where = who === "you" ? " in another window" : "";
  return `Your answer came second: ${who} ${what} this${where}. Nothing was done twice.`;
}

const DECISION_WORDS: Readonly<Record<string, string>> = {
  approve: "approved",
  edit: "approved",
  deny: "denied",
  respond: "answered",
};

/** The first line that says something, cut to what a line can hold. */
export function firstLine(text: string): string {
  // Only the beginning is looked at: an output can be megabytes.
  const line = text.slice(0, 2_000).split("\n").find((each) => each.trim() !== "") ?? "";
  return line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line;
}

const LINE_CHARS = 160;

/** The arguments in one line: `path: a.py, line: 3`. */
export function argumentsLine(call: ToolCall): string {
  if (typeof call.rawArguments === "string") return firstLine(call.rawArguments);
  const parts = Object.entries(call.arguments).map(([name, value]) => `${name}: ${shortValue(value)}`);
  return firstLine(parts.join(", "));
}

function shortValue(value: unknown): string {
  return typeof value === "string" ? (value.split("\n", 1)[0] ?? "") : JSON.stringify(value);
}

/** How a call ended, and how long it took where it ran. */
export function outcomeWords({ status, durationMs }: ToolResult): string {
  if (status === "ok") return durationWords(durationMs);
  return durationMs > 0 ? `${RESULT_WORDS[status]} · ${durationWords(durationMs)}` : RESULT_WORDS[status];
}

export function durationWords(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
