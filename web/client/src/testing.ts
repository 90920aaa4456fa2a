/** Stand-ins for tests: a socket that a test plays the server of, and contract-shaped values. Not part of the page. */

import { NO_METADATA } from "./bodies.ts";
import type { Store } from "./outbox.ts";
import type { SocketLike } from "./socket.ts";
import type { Approval, Branch, Message, Run, Session, SessionEvent, Snapshot } from "./wire.ts";

export interface SentCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly ack: (answer: unknown) => void;
}

export class FakeSocket implements SocketLike {
  connected = false;
  active = false;
  /** How often it was asked to connect. */
  attempts = 0;
  readonly sent: SentCall[] = [];
  readonly #listeners = new Map<string, ((...args: unknown[]) => void)[]>();

  connect(): void {
    this.active = true;
    this.attempts += 1;
  }

  disconnect(): void {
    this.active = false;
    this.drop();
  }

  on(event: string, listener: (...args: unknown[]) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  off(event: string, listener: (...args: unknown[]) => void): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((each) => each !== listener));
  }

  /** How many listeners there are, to all events together. */
  get listening(): number {
    return [...this.#listeners.values()].reduce((sum, each) => sum + each.length, 0);
  }

  emit(event: string, ...args: unknown[]): void {
    const [given, ack] = args as [SentCall["args"], SentCall["ack"]];
    this.sent.push({ name: event, args: given, ack });
  }

  /** The server accepts the handshake. */
  accept(): void {
    this.connected = true;
    this.fire("connect");
  }

  /** The transport breaks, or the other side closes it. */
  drop(): void {
    if (!this.connected) return;
    this.connected = false;
    this.fire("disconnect", "transport close");
  }

  /** The server cannot be reached. */
  fail(): void {
    this.fire("connect_error", new Error("websocket error"));
  }

  /** The server answers the handshake with a no. */
  refuse(message: string, data?: unknown): void {
    this.active = false;
    this.fire("connect_error", Object.assign(new Error(message), { data }));
  }

  fire(event: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(...args);
  }

  calls(name: string): SentCall[] {
    return this.sent.filter((call) => call.name === name);
  }

  last(name: string): SentCall {
    const call = this.calls(name).at(-1);
    if (call === undefined) throw new Error(`${name} was not called`);
    return call;
  }
}

/** A store that outlives a page, as a tab's own does. */
export class MemoryStore implements Store {
  readonly #values = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#values.set(key, value);
  }

  removeItem(key: string): void {
    this.#values.delete(key);
  }
}

export const SESSION_ID = "0197-session";
export const EPOCH = "epoch-1";
const AT = "2026-11-20T09:00:00.000Z";

export function aSession(change: Partial<Session> = {}): Session {
  return {
    id: SESSION_ID,
    projectId: "0197-project",
    projectName: "Inbox",
    title: "First",
    state: "IDLE",
    createdAtUtc: AT,
    updatedAtUtc: AT,
    completedAtUtc: null,
    messageCount: 0,
    head: 1,
    version: 1,
    archived: false,
    waiting: false,
    ...change,
  };
}

/** The payload may be a part of one: what a test does not look at. */
export function aMessage(change: Partial<Omit<Message, "payload">> & { payload?: object | null } = {}): Message {
  return {
    id: "m1",
    ordinal: 1,
    role: "agent",
    content: "",
    messageType: "text",
    kind: "streaming_response",
    payload: null,
    status: "streaming",
    sequence: 0,
    createdAtUtc: AT,
    author: "assistant",
    metadata: NO_METADATA,
    ...change,
  } as Message;
}

export function aRun(change: Partial<Run> = {}): Run {
  return {
    id: "r1",
    sessionId: SESSION_ID,
    state: "queued",
    reason: null,
    startedAtUtc: null,
    finishedAtUtc: null,
    createdAtUtc: AT,
    attempt: 0,
    messageId: "m1",
    agent: "assistant",
    onCrash: "resume",
    ...change,
  };
}

export function aBranch(change: Partial<Branch> = {}): Branch {
  return {
    name: "main",
    parent: null,
    forkedAt: 0,
    length: 0,
    systemPrompt: null,
    pinsChanged: false,
    planChanged: false,
    createdAtUtc: AT,
    ...change,
  };
}

export function anApproval(change: Partial<Approval> = {}): Approval {
  return {
    id: "a1",
    sessionId: SESSION_ID,
    runId: "r1",
    kind: "tool",
    state: "pending",
    messageId: "m1",
    callId: "call-1",
    tool: "write_file",
    arguments: { path: "a.py" },
    risk: "unsafe",
    grantable: true,
    question: null,
    options: [],
    key: null,
    requestedAtUtc: AT,
    expiresAtUtc: null,
    decision: null,
    scope: null,
    answer: null,
    decidedBy: null,
    decidedAtUtc: null,
    ...change,
  };
}

/** The same as `ann` answered it. */
export function anAnswered(change: Partial<Approval> = {}): Approval {
  const decided: Partial<Approval> = { decision: "approve", state: "approved", scope: "once", decidedBy: "ann" };
  return anApproval({ ...decided, decidedAtUtc: AT, ...change });
}

export function aSnapshot(change: Partial<Snapshot> = {}): Snapshot {
  const head = change.head ?? 1;
  return {
    sessionId: SESSION_ID,
    epoch: EPOCH,
    head,
    session: aSession({ head }),
    state: { name: "active" },
    mode: "act",
    model: "demo",
    activeBranch: "main",
    branches: [aBranch()],
    pins: [],
    plan: [],
    approvals: [],
    grants: [],
    usage: { inputTokens: 0, outputTokens: 0, estimated: false },
    run: null,
    queue: [],
    messages: [],
    ...change,
  };
}

export function anEvent(seq: number, type: string, data: unknown, change: Partial<SessionEvent> = {}): SessionEvent {
  return {
    sessionId: SESSION_ID,
    epoch: EPOCH,
    seq,
    type,
    at: `2026-11-20T10:00:00.${String(seq).padStart(3, "0")}Z`,
    data,
    ...change,
  };
}

/** The event that makes the title `t<seq>`: a fold of several shows which of them were applied last. */
export function renamed(seq: number): SessionEvent {
  return anEvent(seq, "session.renamed", { title: `t${seq}`, version: seq });
}

export function joinAck(change: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const base = { ok: true, sessionId: SESSION_ID, epoch: EPOCH, head: 1, recovered: true, events: [] };
  return { ...base, hasMore: false, participants: [], ...change };
}

/** A small generator (mulberry32) whose sequence depends on the seed alone. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
