/** Folds events into a snapshot: old snapshot + later events = fresh snapshot (I2). Pure; never asks the server.
 *
 * Three liberties: a fresh snapshot holds the last 50 messages of the branch, a folded one keeps all it has seen; a
 * body that is known stays in view when the same message comes again without it, until it is pulled (bodies.ts); and
 * approvals stay at hand in `answered` once they have been answered.
 */

import { unseen } from "./bodies.ts";
import type {
  Approval,
  Branch,
  ContextState,
  EventData,
  EventType,
  Grant,
  Message,
  Run,
  Session,
  SessionEvent,
  Snapshot,
  Usage,
} from "./wire.ts";

/** What merges and other changes of a branch have in common. */
interface BranchChange extends Annotations {
  readonly branch: Branch;
  readonly messages?: readonly { readonly id: string }[];
  readonly hasMore?: boolean | null;
}

/** Of the branch that is active then. */
type Annotations = Partial<Pick<Snapshot, "pins" | "plan">>;

type Folds = { [T in EventType]?: (snapshot: Snapshot, data: EventData<T>) => Snapshot };

const FOLDS: Folds = {
  "session.created": (snapshot, { session, model }) => ({ ...snapshot, session, model }),
  "session.renamed": (snapshot, { title }) => withSession(snapshot, { title }),
  "session.state_changed": (snapshot, { state, completedAtUtc }) =>
    withSession(snapshot, { state, completedAtUtc, waiting: waits(state, snapshot.state) }),
  "context.state_changed": (snapshot, { state }) =>
    withSession(
      { ...snapshot, state },
      { archived: state.name === "archived", waiting: waits(snapshot.session.state, state) },
    ),
  "context.model_changed": (snapshot, { model }) => ({ ...snapshot, model }),
  "context.mode_changed": (snapshot, { mode }) => ({ ...snapshot, mode }),
  "message.created": created,
  "message.delta": grown,
  "message.completed": (snapshot, { message }) => withUsage(replaced(snapshot, message), message),
  "message.updated": updated,
  "usage.added": (snapshot, { usage }) => ({ ...snapshot, usage: more(snapshot.usage, usage) }),
  "run.queued": (snapshot, { run }) => ({ ...snapshot, queue: [...without(snapshot.queue, run), run] }),
  "run.started": (snapshot, { run }) => ({ ...snapshot, run, queue: without(snapshot.queue, run) }),
  "run.finished": (snapshot, { run }) => ({
    ...snapshot,
    run: snapshot.run?.id === run.id ? null : snapshot.run,
    queue: without(snapshot.queue, run),
  }),
  "approval.requested": (snapshot, { approval }) => ({
    ...snapshot,
    run: runInState(snapshot.run, "awaiting_input"),
    approvals: [...snapshot.approvals, approval],
  }),
  "approval.resolved": answered,
  "approval.revoked": (snapshot, { tool }) => ({
    ...snapshot,
    grants: snapshot.grants.filter((grant) => grant.tool !== tool),
  }),
  "branch.created": branched,
  "branch.updated": branched,
  "branch.merged": branched,
  "branch.switched": switched,
  "pin.added": (snapshot, { pin }) => annotated(snapshot, { pins: [...snapshot.pins, pin] }, { pinsChanged: true }),
  "pin.removed": (snapshot, { pinId }) =>
    annotated(snapshot, { pins: snapshot.pins.filter(({ id }) => id !== pinId) }, { pinsChanged: true }),
  "plan.changed": (snapshot, { items }) => annotated(snapshot, { plan: items }, { planChanged: true }),
};

/** The snapshot after `event`, which must be the one that follows its head. Unknown types only move the head. */
export function applyEvent(snapshot: Snapshot, event: SessionEvent): Snapshot {
  const folded = foldKnown(snapshot, event);
  const { session } = folded;
  if (event.type === "message.delta") return { ...folded, head: event.seq, session: { ...session, head: event.seq } };
  const version = versionIn(event) ?? session.version;
  return { ...folded, head: event.seq, session: { ...session, head: event.seq, updatedAtUtc: event.at, version } };
}

/** What an edit makes of the session's version. */
function versionIn({ data }: SessionEvent): number | null | undefined {
  return (data as { readonly version?: number | null }).version;
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
function grown(snapshot: Snapshot, { messageId, sequence, delta }: EventData<"message.delta">): Snapshot {
  const state = { name: "streaming_response", messageId, sequence } as const;
  return changed({ ...snapshot, state }, messageId, (message) => {
    // A body that was pulled may hold what is still on its way as deltas.
    if (sequence <= message.sequence) return message;
    if (message.truncated !== true) return { ...message, sequence, content: message.content + delta };
    return { ...message, sequence, late: [...(message.late ?? []), { sequence, delta }] };
  });
}

function replaced(snapshot: Snapshot, next: Message): Snapshot {
  return changed(snapshot, next.id, (message) => {
    if (next.truncated !== true) return next;
    return { ...next, content: message.content, payload: next.payload ?? message.payload, late: message.late };
  });
}

/** What is known of a body may be out of date now: the revision has it pulled once more. */
function updated(snapshot: Snapshot, { message }: { message: Message }): Snapshot {
  if (message.truncated !== true) return replaced(snapshot, message);
  return replaced(snapshot, { ...message, revision: snapshot.head + 1 });
}

/** The run goes on once nothing is left to answer. A tool that was allowed for the session is granted once. */
function answered(snapshot: Snapshot, { approval }: { approval: Approval }): Snapshot {
  const approvals = snapshot.approvals.filter(({ id }) => id !== approval.id);
  const run = approvals.length > 0 ? snapshot.run : runInState(snapshot.run, "running");
  const grants = withGrant(snapshot.grants, approval);
  return { ...snapshot, run, approvals, grants, answered: [...(snapshot.answered ?? []), approval] };
}

function withGrant(grants: readonly Grant[], approval: Approval): readonly Grant[] {
  const { state, scope, tool } = approval;
  if (state !== "approved" || scope !== "session" || tool === null) return grants;
  if (grants.some((grant) => grant.tool === tool)) return grants;
  return [...grants, { tool, grantedBy: approval.decidedBy ?? "", grantedAtUtc: approval.decidedAtUtc ?? "" }];
}

/** A branch is new or as it is now. What its path gained is shown when it is the active one; when that was too much to
 * be listed, what was shown is no longer next to it. */
function branched(snapshot: Snapshot, data: BranchChange): Snapshot {
  const { branch, messages = [], hasMore } = data;
  const at = snapshot.branches.findIndex(({ name }) => name === branch.name);
  const branches = at < 0 ? [...snapshot.branches, branch] : snapshot.branches.with(at, branch);
  const after = { ...snapshot, branches };
  if (branch.name !== snapshot.activeBranch) return after;
  const gained = found(snapshot, messages.map(({ id }) => id));
  return onBranch(after, branch, data, hasMore === true ? gained : [...snapshot.messages, ...gained]);
}

function switched(snapshot: Snapshot, data: EventData<"branch.switched">): Snapshot {
  const { name, messageIds } = data;
  const branch = snapshot.branches.find((each) => each.name === name);
  const after = { ...snapshot, activeBranch: name };
  return branch === undefined ? after : onBranch(after, branch, data, found(snapshot, messageIds));
}

/** Pins and plan come along when they may be others now. */
function onBranch(
  snapshot: Snapshot,
  { length }: Branch,
  { pins = snapshot.pins, plan = snapshot.plan }: Annotations,
  messages: readonly Message[],
): Snapshot {
  return { ...withSession(snapshot, { messageCount: length }), pins, plan, messages };
}

/** Messages by id; one that this client has not seen stands there without its body until it is pulled. */
function found(snapshot: Snapshot, ids: readonly string[]): readonly Message[] {
  const known = new Map(snapshot.messages.map((message) => [message.id, message]));
  return ids.map((id) => known.get(id) ?? unseen(id, snapshot.head + 1));
}

/** Pins or the plan of the active branch. */
function annotated(snapshot: Snapshot, change: Annotations, flag: Partial<Branch>): Snapshot {
  const branches = snapshot.branches.map((branch) =>
    branch.name === snapshot.activeBranch ? { ...branch, ...flag } : branch,
  );
  return { ...snapshot, ...change, branches };
}

function runInState(run: Run | null, state: Run["state"]): Run | null {
  return run === null ? null : { ...run, state };
}

function withUsage(snapshot: Snapshot, { payload }: Message): Snapshot {
  const { usage } = (payload ?? {}) as { usage?: Usage | null };
  return usage ? { ...snapshot, usage: more(snapshot.usage, usage) } : snapshot;
}

function more(total: Usage, usage: Usage): Usage {
  return {
    inputTokens: total.inputTokens + usage.inputTokens,
    outputTokens: total.outputTokens + usage.outputTokens,
    estimated: total.estimated || usage.estimated,
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

/** Whether a run stands still until the user answers. */
function waits(session: Session["state"], { name }: Pick<ContextState, "name">): boolean {
  return session === "RUNNING" && name === "awaiting_user";
}
