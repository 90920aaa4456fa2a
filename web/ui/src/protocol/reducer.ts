/** Folds events into a snapshot: old snapshot + later events = fresh snapshot (I2). Pure; never asks the server.
 *
 * Two liberties: a fresh snapshot holds the last 50 messages of the branch, a folded one keeps all it has seen; and
 * a body that is known stays in view when the same message comes again without it, until it is pulled (bodies.ts).
 */

import type {
  ContextState,
  Delta,
  Message,
  Run,
  Session,
  SessionEvent,
  SessionState,
  Snapshot,
  Usage,
} from "./wire";

interface EventData {
  "session.created": { session: Session; model: string };
  "session.renamed": { title: string; version: number };
  "session.state_changed": { state: SessionState; completedAtUtc: string | null };
  "context.state_changed": { state: ContextState };
  "context.model_changed": { model: string };
  "context.mode_changed": { mode: string };
  "message.created": { message: Message };
  "message.delta": { messageId: string } & Delta;
  "message.completed": { message: Message };
  "message.updated": { message: Message };
  "run.queued": { run: Run };
  "run.started": { run: Run };
  "run.finished": { run: Run };
}

type Folds = { [T in keyof EventData]: (snapshot: Snapshot, data: EventData[T]) => Snapshot };

const FOLDS: Folds = {
  "session.created": (snapshot, { session, model }) => ({ ...snapshot, session, model }),
  "session.renamed": (snapshot, { title, version }) => withSession(snapshot, { title, version }),
  "session.state_changed": (snapshot, { state, completedAtUtc }) =>
    withSession(snapshot, { state, completedAtUtc }),
  "context.state_changed": (snapshot, { state }) => ({ ...snapshot, state }),
  "context.model_changed": (snapshot, { model }) => ({ ...snapshot, model }),
  "context.mode_changed": (snapshot, { mode }) => ({ ...snapshot, mode }),
  "message.created": created,
  "message.delta": grown,
  "message.completed": (snapshot, { message }) => withUsage(replaced(snapshot, message), message),
  "message.updated": (snapshot, { message }) => replaced(snapshot, message),
  "run.queued": (snapshot, { run }) => ({ ...snapshot, queue: [...without(snapshot.queue, run), run] }),
  "run.started": (snapshot, { run }) => ({ ...snapshot, run, queue: without(snapshot.queue, run) }),
  "run.finished": (snapshot, { run }) => ({
    ...snapshot,
    run: snapshot.run?.id === run.id ? null : snapshot.run,
    queue: without(snapshot.queue, run),
  }),
};

/** The snapshot after `event`, which must be the one that follows its head. Unknown types only move the head. */
export function applyEvent(snapshot: Snapshot, event: SessionEvent): Snapshot {
  const folded = foldKnown(snapshot, event);
  const updatedAtUtc = event.type === "message.delta" ? folded.session.updatedAtUtc : event.at;
  return { ...folded, head: event.seq, session: { ...folded.session, head: event.seq, updatedAtUtc } };
}

/** The snapshot with an earlier page of the branch put in front; what is already there is not repeated. */
export function withEarlier(snapshot: Snapshot, page: readonly Message[]): Snapshot {
  const known = new Set(snapshot.messages.map((message) => message.id));
  const fresh = page.filter((message) => !known.has(message.id));
  return { ...snapshot, messages: [...fresh, ...snapshot.messages] };
}

function foldKnown(snapshot: Snapshot, event: SessionEvent): Snapshot {
  if (!Object.hasOwn(FOLDS, event.type)) return snapshot;
  const fold = FOLDS[event.type as keyof Folds] as (snapshot: Snapshot, data: unknown) => Snapshot;
  return fold(snapshot, event.data);
}

function withSession(snapshot: Snapshot, change: Partial<Session>): Snapshot {
  return { ...snapshot, session: { ...snapshot.session, ...change } };
}

function created(snapshot: Snapshot, { message }: { message: Message }): Snapshot {
  const messageCount = snapshot.session.messageCount + 1;
  const branches = snapshot.branches.map((branch) =>
    branch.name === snapshot.activeBranch ? { ...branch, length: branch.length + 1 } : branch,
  );
  return { ...withSession(snapshot, { messageCount }), branches, messages: [...snapshot.messages, message] };
}

/** A chunk moves the context's state too: the server sends no event of its own for that. */
function grown(snapshot: Snapshot, { messageId, sequence, delta }: EventData["message.delta"]): Snapshot {
  const state = { name: "streaming_response", messageId, sequence };
  return changed({ ...snapshot, state }, messageId, (message) => {
    // A body that was pulled may hold what is still on its way as deltas.
    if (sequence <= message.sequence) return message;
    if (message.truncated !== true) return { ...message, sequence, content: message.content + delta };
    return { ...message, sequence, late: [...(message.late ?? []), { sequence, delta }] };
  });
}

function replaced(snapshot: Snapshot, next: Message): Snapshot {
  return changed(snapshot, next.id, (message) =>
    next.truncated === true ? { ...next, content: message.content, late: message.late } : next,
  );
}

function withUsage(snapshot: Snapshot, { payload }: Message): Snapshot {
  const { usage } = (payload ?? {}) as { usage?: Usage | null };
  if (!usage) return snapshot;
  const total = snapshot.usage;
  return {
    ...snapshot,
    usage: {
      inputTokens: total.inputTokens + usage.inputTokens,
      outputTokens: total.outputTokens + usage.outputTokens,
      estimated: total.estimated || usage.estimated,
    },
  };
}

/** Looks from the end: what changes is nearly always the last message. One that was never loaded is left alone. */
function changed(snapshot: Snapshot, id: string, change: (message: Message) => Message): Snapshot {
  const index = snapshot.messages.findLastIndex((message) => message.id === id);
  const found = snapshot.messages[index];
  if (found === undefined) return snapshot;
  return { ...snapshot, messages: snapshot.messages.with(index, change(found)) };
}

function without(queue: readonly Run[], run: Run): readonly Run[] {
  return queue.filter((queued) => queued.id !== run.id);
}
