/** What the open session's controls ask of the server: each shows what went wrong, and what can be undone. */

import type { LiveSession, Mode, PlanItem, Snapshot } from "@parley/client";
import { attempt } from "../lib/attempt";
import { toasts } from "../lib/toasts";
import type { Texts } from "../i18n/texts";
import type { OutgoingMessage } from "./attachments";
import type { MergeAnswer, MergeRequest } from "./mergeWish";

export interface SessionCommands {
  readonly setMode: (mode: Mode) => void;
  readonly setModel: (model: string) => void;
  readonly revoke: (tool: string) => void;
  readonly archive: () => void;
  readonly unarchive: () => void;
  readonly retry: () => Promise<unknown>;
  readonly stop: () => Promise<unknown>;
  readonly removeQueued: (runId: string) => void;
  readonly send: (messages: readonly OutgoingMessage[]) => void;
  readonly switchBranch: (name: string) => void;
  readonly setPlan: (plan: readonly PlanItem[]) => void;
  readonly pinText: (text: string) => void;
  readonly pinMessage: (messageId: string) => void;
  readonly unpin: (pinId: string) => void;
  /** Rejects, so that the dialog that asked can say why. */
  readonly merge: (request: MergeRequest) => Promise<MergeAnswer>;
}

export function sessionCommands(session: LiveSession, texts: Texts): SessionCommands {
  const { archivedNow } = texts.session.page;
  const { undo } = texts.common;
  const unarchive = () => void attempt(session.restore());
  return {
    setMode: (mode) => void attempt(session.setMode(mode)),
    setModel: (model) => void attempt(session.setModel(model)),
    revoke: (tool) => void attempt(session.revokeGrant(tool)),
    archive: () => {
      const said = () => toasts.show(archivedNow, { label: undo, run: unarchive });
      void attempt(session.archive().then(said));
    },
    unarchive,
    retry: () => attempt(session.retry()),
    stop: () => attempt(session.cancel()),
    removeQueued: (runId) => void attempt(session.cancel(runId)),
    send: (messages) => {
      for (const message of messages) session.send(message as Parameters<LiveSession["send"]>[0]);
    },
    switchBranch: (name) => void attempt(session.switchBranch(name)),
    setPlan: (plan) => void attempt(session.setPlan(plan)),
    pinText: (text) => void attempt(session.pin({ text })),
    pinMessage: (messageId) => void attempt(session.pin({ messageId })),
    unpin: (pinId) => void attempt(session.unpin(pinId)),
    merge: (request) => merge(session, request, texts),
  };
}

/** A merge takes nothing away: the way back is a branch that ends before it, or the branch that was open. */
async function merge(session: LiveSession, request: MergeRequest, texts: Texts): Promise<MergeAnswer> {
  const words = texts.session.merge;
  const before = session.snapshot;
  const answer = await session.merge(request);
  if (request.strategy === "rebase") {
    const target = before?.activeBranch ?? "";
    const back = { label: texts.session.branches.back(target), run: () => void attempt(session.switchBranch(target)) };
    toasts.show(words.rebased(answer.activeBranch), target === "" ? null : back);
    return answer;
  }
  const text =
    request.strategy === "summary" ? words.doneSummary(request.source) : words.done(answer.messages.length, request.source);
  const position = before?.session.messageCount ?? 0;
  const goBack = () => void attempt(session.fork({ position, switch: true }));
  toasts.show(text, position === 0 ? null : { label: words.forkBefore, run: goBack });
  return answer;
}

/** What the reader said last, to be said again in other words; null when it is not at hand. */
export function lastOwnMessage(snapshot: Snapshot, me: string | null) {
  const own = ({ role, author }: Snapshot["messages"][number]) => role === "user" && author === me;
  return snapshot.messages.findLast(own) ?? null;
}
