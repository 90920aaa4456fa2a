/** What approvals and their outcomes are called. Words only. */

import { CallError, messageOf } from "@parley/client";
import type { Approval } from "@parley/client";
import type { Texts } from "../../i18n/texts";

export type ApprovalWords = Texts["session"]["approvals"];

/** What can happen when the tool runs. A risk that this page doesn't know counts as a change. */
export function riskWords(risk: string | null, words: ApprovalWords): string {
  switch (risk) {
    case "read_only":
      return words.riskReadOnly;
    case "idempotent":
      return words.riskIdempotent;
    case "unsafe":
      return words.riskUnsafe;
    default:
      return words.riskUnknown;
  }
}

/** What is asked, or why a tool is asked for again; null for one that is asked for as usual. */
export function askedWords({ kind, question }: Approval, inPlan: boolean, words: ApprovalWords): string | null {
  return kind === "tool" && question !== null && inPlan ? words.againInPlan : question;
}

/** One line of what became of an approval: who decided, and what. `me` is this client's user. */
export function answeredWords(approval: Approval, me: string | null, words: ApprovalWords): string {
  const { state, kind, answer, tool, decision, scope } = approval;
  const by = byWords(approval.decidedBy, me, words);
  const said = answer === null || answer === "" ? "" : words.said(answer);
  switch (state) {
    case "pending":
      return words.pending;
    case "approved":
      return words.approved(decision === "edit", scope === "session", by);
    case "denied":
      return kind === "tool" ? words.denied(by, said) : words.declined(by, said);
    case "responded":
      return words.answered(by, said);
    case "cancelled":
      return words.withdrawn(tool ?? words.theQuestion);
    case "expired":
      return words.nobodyAnswered;
  }
}

function byWords(decidedBy: string | null, me: string | null, words: ApprovalWords): string {
  if (decidedBy === null || decidedBy === "") return "";
  return decidedBy === me ? words.byYou : words.by(decidedBy);
}

/** Why an answer did not count. Somebody was faster: that is no fault of anyone's. */
export function refusalWords(error: unknown, me: string | null, words: ApprovalWords): string {
  if (!(error instanceof CallError)) return messageOf(error);
  if (error.code === "approval_not_found") return words.noLonger;
  if (error.code !== "approval_resolved") return error.message;
  const { decidedBy, decision } = error.details;
  const who = decidedBy === me ? null : typeof decidedBy === "string" ? decidedBy : words.somebody;
  return words.second(who, outcome(String(decision)));
}

function outcome(decision: string): "approved" | "denied" | "answered" {
  if (decision === "approve" || decision === "edit") return "approved";
  return decision === "deny" ? "denied" : "answered";
}
