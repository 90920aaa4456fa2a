/** The messages of one session that are on their way, in order: one is sent at a time, until it is answered. */

import { delayMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { CallError } from "./errors.ts";
import { newId } from "./ids.ts";
import { Signal } from "./signal.ts";
import type { Outgoing, Sent, Snapshot } from "./wire.ts";

/** `failed`: the server will not have it; `error` says why. `queued_offline`: sent when there is a connection again. */
export type OutboxState = "sending" | "queued_offline" | "failed";

/** A message that this client wrote and that is not in the session's journal yet, as far as it knows. */
export interface OutboxEntry extends Omit<Outgoing, "clientMessageId"> {
  readonly sessionId: string;
  readonly clientMessageId: string;
  readonly createdAtUtc: string;
  readonly state: OutboxState;
  readonly error: CallError | null;
}

/** What became of a message. */
export type Receipt = Pick<Sent, "messageId" | "runId">;

export interface Sending {
  readonly clientMessageId: string;
  /** Rejects with a CallError when the server refuses it for good, or it is discarded. May be ignored. */
  readonly sent: Promise<Receipt>;
}

interface Held {
  readonly entry: OutboxEntry;
  /** The server has it; it stays until the snapshot shows it. */
  readonly answer: Sent | null;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: CallError) => void;
}

/** A packet may have a million bytes. A message that could come near that, three to a character, goes by REST. */
const SOCKET_MAX_CHARS = 300_000;

/** Sends a message by REST, which takes larger ones than the socket. */
export type Post = (sessionId: string, message: Outgoing) => Promise<Sent>;

export class Lane {
  readonly changes = new Signal<null>();
  readonly #connection: Connection;
  readonly #post: Post;
  readonly #sessionId: string;
  #held: readonly Held[] = [];
  #entries: readonly OutboxEntry[] = [];
  /** Who shows this session: with nobody to show it to, a message that was answered is done. */
  #followers = 0;
  #epoch: string | null = null;
  #sending = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, sessionId: string, post: Post) {
    this.#connection = connection;
    this.#post = post;
    this.#sessionId = sessionId;
  }

  /** In the order in which they were written; the same array until something changes. */
  get entries(): readonly OutboxEntry[] {
    return this.#entries;
  }

  /** Those that have to be kept over a reload. */
  get unanswered(): readonly OutboxEntry[] {
    return this.#held.filter(({ answer }) => answer === null).map(({ entry }) => entry);
  }

  add(message: Omit<Outgoing, "clientMessageId">): Sending {
    const clientMessageId = newId();
    const known = { sessionId: this.#sessionId, clientMessageId, createdAtUtc: new Date().toISOString() };
    return this.put({ ...message, ...known, state: this.#waiting(), error: null });
  }

  /** Takes an entry as it is: one that was kept over a reload. */
  put(entry: OutboxEntry): Sending {
    const sent = new Promise<Receipt>((resolve, reject) => {
      this.#held = [...this.#held, { entry, answer: null, resolve, reject }];
    });
    // Who is not interested in the outcome need not catch it: the entry says the same.
    sent.catch(() => undefined);
    this.#show();
    this.sendNext();
    return { clientMessageId: entry.clientMessageId, sent };
  }

  /** Tries a failed one again, behind those that were written since. */
  retry(clientMessageId: string): void {
    const failed = this.#held.find(({ entry }) => entry.clientMessageId === clientMessageId);
    if (failed?.entry.state !== "failed") return;
    // Under an id that is taken by another text it would be refused for ever.
    const renamed = failed.entry.error?.code === "idempotency_conflict" ? { clientMessageId: newId() } : {};
    const entry = { ...failed.entry, ...renamed, state: this.#waiting(), error: null };
    this.#held = [...this.#held.filter((each) => each !== failed), { ...failed, entry }];
    this.#show();
    this.sendNext();
  }

  /** Forgets one. The server may have one that was on its way already. */
  discard(clientMessageId: string): void {
    const gone = this.#held.find(({ entry }) => entry.clientMessageId === clientMessageId);
    if (gone === undefined) return;
    gone.reject(new CallError({ code: "discarded", message: "Discarded", retryable: false, details: {} }));
    this.#keep((held) => held !== gone);
    this.sendNext();
  }

  /** Drops those that the snapshot shows, or would if it still showed what was said so long ago. */
  settle({ epoch, head, messages }: Snapshot): void {
    if (this.#held.length === 0) return;
    const moved = this.#epoch !== null && this.#epoch !== epoch;
    this.#epoch = epoch;
    const shown = new Map(messages.map((message) => [message.clientMessageId, message]));
    this.#keep(({ entry, answer, resolve }) => {
      const message = shown.get(entry.clientMessageId);
      if (message !== undefined) resolve({ messageId: message.id, runId: message.runId ?? null });
      return message === undefined && (answer === null || (!moved && answer.seq > head));
    });
  }

  follow(): void {
    this.#followers += 1;
  }

  unfollow(): void {
    this.#followers -= 1;
    if (this.#followers === 0) this.#keep(({ answer }) => answer === null);
  }

  /** The connection is gone: says so of what waits. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#change((held) => (held.answer === null && held.entry.state === "sending" ? "queued_offline" : null));
  }

  /** Sends the first that waits, unless one is on its way. */
  sendNext(): void {
    if (this.#sending || this.#connection.state !== "connected") return;
    const next = this.#held.find(({ entry, answer }) => answer === null && entry.state !== "failed");
    if (next === undefined) return;
    clearTimeout(this.#timer);
    this.#sending = true;
    this.#change((held) => (held.answer === null && held.entry.state === "queued_offline" ? "sending" : null));
    this.#send(next.entry);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #send(entry: OutboxEntry): void {
    const message = messageOf(entry);
    const onAnswer = (answer: Sent) => this.#onAnswer(entry.clientMessageId, answer);
    const onError = (error: CallError) => this.#onError(entry.clientMessageId, error);
    const { sessionId } = entry;
    if (JSON.stringify(message).length > SOCKET_MAX_CHARS) this.#post(sessionId, message).then(onAnswer, onError);
    else this.#connection.ask("send_message", { sessionId, ...message }, onAnswer, onError);
  }

  #waiting(): OutboxState {
    return this.#connection.state === "connected" ? "sending" : "queued_offline";
  }

  #onAnswer(clientMessageId: string, answer: Sent): void {
    this.#sending = false;
    this.#failures = 0;
    const answered = this.#held.find(({ entry }) => entry.clientMessageId === clientMessageId);
    answered?.resolve({ messageId: answer.messageId, runId: answer.runId });
    if (this.#followers === 0) this.#keep((held) => held !== answered);
    else this.#replace((held) => (held === answered ? { ...held, answer } : held));
    this.sendNext();
  }

  #onError(clientMessageId: string, error: CallError): void {
    this.#sending = false;
    if (!error.retryable) {
      this.#fail(clientMessageId, error);
      return this.sendNext();
    }
    // Without a connection the next one goes on.
    if (this.#connection.state !== "connected") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.sendNext(), delayMs(this.#failures++));
  }

  #fail(clientMessageId: string, error: CallError): void {
    this.#failures = 0;
    this.#replace((held) => {
      if (held.entry.clientMessageId !== clientMessageId) return held;
      held.reject(error);
      return { ...held, entry: { ...held.entry, state: "failed", error } };
    });
  }

  #keep(stays: (held: Held) => boolean): void {
    const kept = this.#held.filter(stays);
    if (kept.length === this.#held.length) return;
    this.#held = kept;
    this.#show();
  }

  #change(stateOf: (held: Held) => OutboxState | null): void {
    this.#replace((held) => {
      const state = stateOf(held);
      return state === null ? held : { ...held, entry: { ...held.entry, state } };
    });
  }

  #replace(change: (held: Held) => Held): void {
    const held = this.#held.map(change);
    if (held.every((each, at) => each === this.#held[at])) return;
    this.#held = held;
    this.#show();
  }

  #show(): void {
    this.#entries = this.#held.map(({ entry }) => entry);
    this.changes.emit(null);
  }
}

function messageOf({ clientMessageId, content, payload, onBusy, metadata }: OutboxEntry): Outgoing {
  return {
    clientMessageId,
    ...(content === undefined ? {} : { content }),
    ...(payload === undefined ? {} : { payload }),
    ...(onBusy === undefined ? {} : { onBusy }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
