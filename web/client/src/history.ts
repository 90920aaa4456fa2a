/** All messages of the active branch by position, for lists that show a few of very many: the newest are those of the
 * snapshot, the others are loaded by the page when they are wanted. Never renders. */

import { delayMs } from "./backoff.ts";
import { BodyPuller } from "./bodyPuller.ts";
import { CallError, messageOf } from "./errors.ts";
import { pageOf, Pages } from "./pages.ts";
import { applyEvent } from "./reducer.ts";
import { Signal } from "./signal.ts";
import { firstPosition, PAGE_SIZE } from "./tail.ts";
import type { Left } from "./tail.ts";
import type { Message, MessageBatch, MessagesPage, SessionEvent, Snapshot } from "./wire.ts";

/** Pages that are kept: 2,000 messages, beside those of the snapshot. */
export const PAGES_MAX = 40;
/** Requests at once. */
export const LOADING_MAX = 3;
/** Pages that wait for their turn; those that were wanted longest ago are forgotten first. */
const WAITING_MAX = 20;

export interface HistoryReads {
  readonly page: (after: number, branch: string) => Promise<MessagesPage>;
  readonly messages: (ids: readonly string[]) => Promise<MessageBatch>;
}

export class History {
  /** Something that `at` gives from the pages is another now. What it gives from the snapshot changes with that. */
  readonly changes = new Signal<null>();
  readonly #reads: HistoryReads;
  readonly #pages = new Pages(PAGES_MAX);
  readonly #bodies: BodyPuller;
  #snapshot: Snapshot | null = null;
  /** Names the past that the pages are of. */
  #past = "";
  #waiting: readonly number[] = [];
  readonly #loading = new Set<number>();
  /** Events that happened while pages were being loaded: some of those may not hold them yet. */
  #meanwhile: SessionEvent[] = [];
  #wanted: readonly [number, number] = [0, -1];
  #failures = 0;
  #error: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(reads: HistoryReads) {
    this.#reads = reads;
    this.#bodies = new BodyPuller({
      read: reads.messages,
      snapshot: () => this.#snapshot && { ...this.#snapshot, messages: this.#pages.truncated() },
      show: ({ messages }) => this.#fill(messages),
    });
  }

  /** How many messages the active branch has. */
  get length(): number {
    return this.#snapshot?.session.messageCount ?? 0;
  }

  /** Why the last attempt to load failed; null when it did not. It is made again. */
  get error(): string | null {
    return this.#error;
  }

  /** The message at a position, from 1; undefined when it is not loaded: say that you `want` it. */
  at(position: number): Message | undefined {
    const snapshot = this.#snapshot;
    if (snapshot === null) return undefined;
    const first = firstPosition(snapshot);
    return position >= first ? snapshot.messages[position - first] : this.#pages.at(position);
  }

  /** Where a message is, if it is loaded. */
  positionOf(messageId: string): number | undefined {
    const snapshot = this.#snapshot;
    const at = snapshot?.messages.findLastIndex(({ id }) => id === messageId) ?? -1;
    return snapshot !== null && at >= 0 ? firstPosition(snapshot) + at : this.#pages.positionOf(messageId);
  }

  /** Loads what is missing of a range, the latest wish first. `changes` tells when something has come. */
  want(from: number, to: number): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) return;
    const last = Math.min(to, firstPosition(snapshot) - 1);
    const first = Math.max(1, from);
    if (last < first) return;
    this.#wanted = [pageOf(first), Math.min(pageOf(last), pageOf(first) + PAGES_MAX - 1)];
    const missing: number[] = [];
    for (let page = this.#wanted[0]; page <= this.#wanted[1]; page += 1) {
      this.#pages.touch(page);
      if (!this.#has(page) && !this.#loading.has(page)) missing.push(page);
    }
    const others = this.#waiting.filter((page) => !missing.includes(page));
    this.#waiting = [...missing, ...others].slice(0, Math.max(WAITING_MAX, missing.length));
    if (this.#timer === undefined) this.#load();
  }

  /** The session as it is now: another branch or another past empties the pages. */
  show(snapshot: Snapshot, takenAt: string | null): void {
    const past = `${snapshot.epoch} ${takenAt ?? ""} ${snapshot.activeBranch}`;
    this.#snapshot = snapshot;
    if (past === this.#past) return;
    this.#past = past;
    this.#bodies.start();
    this.#empty();
    this.changes.emit(null);
  }

  /** Messages that the snapshot has no more. */
  keep({ first, messages }: Left): void {
    this.#pages.put(first, messages, this.#snapshot?.head ?? 0, (page) => this.#isWanted(page));
  }

  /** An event that reaches messages of the pages too. */
  apply(event: SessionEvent): void {
    if (this.#loading.size > 0) this.#meanwhile.push(event);
    if (!this.#change(event)) return;
    this.changes.emit(null);
    this.#bodies.pull();
  }

  /** Stops loading; what is there stays. */
  close(): void {
    this.#bodies.stop();
    this.#stop();
    this.#past = "";
  }

  #has(page: number): boolean {
    return this.#snapshot !== null && this.#pages.has(page, firstPosition(this.#snapshot) - 1);
  }

  #isWanted(page: number): boolean {
    return page >= this.#wanted[0] && page <= this.#wanted[1];
  }

  #empty(): void {
    this.#stop();
    this.#pages.clear();
    this.#error = null;
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
    this.#loading.clear();
    this.#meanwhile = [];
    this.#failures = 0;
    this.#wanted = [0, -1];
  }

  #load(): void {
    const snapshot = this.#snapshot;
    while (snapshot !== null && this.#loading.size < LOADING_MAX && this.#waiting.length > 0) {
      const [page = 0, ...rest] = this.#waiting;
      this.#waiting = rest;
      if (!this.#has(page)) this.#loadOne(page, snapshot);
    }
  }

  #loadOne(page: number, { activeBranch, epoch }: Snapshot): void {
    const past = this.#past;
    this.#loading.add(page);
    this.#reads.page(page * PAGE_SIZE, activeBranch).then(
      (loaded) => past === this.#past && this.#onLoaded(page, loaded, epoch),
      (error: unknown) => past === this.#past && this.#onFailed(page, error),
    );
  }

  #onLoaded(page: number, { messages, head, epoch }: MessagesPage, expected: string): void {
    this.#loading.delete(page);
    this.#failures = 0;
    this.#error = null;
    // Another past: the feed learns of it too, and empties the pages.
    if (epoch === expected) {
      this.#pages.put(page * PAGE_SIZE + 1, messages, head, (each) => this.#isWanted(each));
      for (const event of this.#meanwhile) this.#change(event);
    }
    if (this.#loading.size === 0) this.#meanwhile = [];
    this.changes.emit(null);
    this.#bodies.pull();
    this.#load();
  }

  #onFailed(page: number, error: unknown): void {
    this.#loading.delete(page);
    this.#error = messageOf(error);
    if (error instanceof CallError && !error.retryable) {
      this.#waiting = [];
    } else {
      this.#waiting = [page, ...this.#waiting];
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#load();
      }, delayMs(this.#failures++));
    }
    this.changes.emit(null);
  }

  /** By the rule that folds it into a snapshot. */
  #change(event: SessionEvent): boolean {
    const messageId = messageIdOf(event);
    const snapshot = this.#snapshot;
    if (messageId === null || snapshot === null) return false;
    return this.#pages.change(messageId, event.seq, (message) => {
      const folded = applyEvent({ ...snapshot, head: event.seq - 1, messages: [message] }, event);
      return folded.messages[0] ?? message;
    });
  }

  #fill(messages: readonly Message[]): void {
    for (const message of messages) this.#pages.change(message.id, Infinity, () => message);
    this.changes.emit(null);
    this.#bodies.pull();
  }
}

/** The message that an event changes. */
function messageIdOf({ type, data }: SessionEvent): string | null {
  const { message, messageId } = (data ?? {}) as { message?: { id: string }; messageId?: string };
  if (type === "message.updated" || type === "message.completed") return message?.id ?? null;
  return type === "message.delta" ? (messageId ?? null) : null;
}
