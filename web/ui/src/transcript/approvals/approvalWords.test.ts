import { expect, test } from "vitest";
import { anAnswered, anApproval } from "@parley/client/testing";
import { CallError } from "@parley/client";
import type { Approval } from "@parley/client";
import { en } from "../../i18n/texts";
import { answeredWords, refusalWords, riskWords } from "./approvalWords";

const words = en.session;

test.each<[Partial<Approval>, string]>([
  [{ decidedBy: "me" }, "Approved by you"],
  [{ decision: "edit", scope: "session" }, "Approved with changes for this session by ann"],
  [{ state: "denied", decision: "deny", answer: "no" }, "Denied by ann: no"],
  [{ state: "responded", kind: "question", answer: "birch" }, "Answered by ann: birch"],
  [{ state: "denied", kind: "question" }, "Declined by ann"],
  [{ state: "cancelled" }, "write_file was withdrawn before anyone answered"],
  [{ state: "expired" }, "Nobody answered in time"],
])("what became of an approval, %o, reads “%s”", (change, expected) => {
  expect(answeredWords(anAnswered(change), "me", words.approvals)).toBe(expected);
});

test.each([
  [{ decidedBy: "me", decision: "deny" }, "you denied this in another window"],
  [{ decidedBy: "ann", decision: "edit" }, "ann approved this."],
  [{ decision: "respond" }, "somebody answered this."],
])("an answer that came second, %o, is told so", (details, expected) => {
  const error = new CallError({ code: "approval_resolved", message: "", retryable: false, details });
  expect(refusalWords(error, "me", words.approvals)).toContain(expected);
});

test("a risk that is not known counts as a change", () => {
  expect(riskWords("new_kind", words.approvals)).toBe("It may change something.");
  expect(riskWords(anApproval().risk ?? null, words.approvals)).toContain("can’t be undone");
});
