/** One session as this client sees it: joined, followed event by event, healed by its position. Never renders. */

import { delayMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { upToDate, wantKey, wanted, withBodies } from "./bodies.ts";
import { follow } from "./cursor.ts";
import { CallError } from "./errors.ts";
import { withEarlier } from "./reducer.ts";
import { Signal } from "./signal.ts";
import type { Head, JoinAck, MessageBatch, MessagesPage, SessionEvent, Snapshot } from "./wire.ts";

/** `gone`: deleted or never there. `failed`: the server refuses the session; `error` says why. */
export type FeedPhase = "loading" | "live" | "catching_up" | "gone" | "failed";

export interface FeedView {
  readonly phase: FeedPhase;
  readonly snapshot: Snapshot | null;
  /** Names the snapshot that later events were folded into: another one may have left things out. */
  readonly takenAt: string | null;
  readonly error: string | null;
}

/** Reads whole messages by REST: for bodies too large to travel in an event. */
export type PullMessages = (sessionId: string, ids: readonly string[]) => Promise<MessageBatch>;

/** A head that is ahead of us may only have overtaken events on their way; then they have arrived by now. */
export const HEAD_GRACE_MS = 3_000;

const PULLED_AT_ONCE = 100;
const NOTHING_YET: FeedView = { phase: "loading", snapshot: null, takenAt: null, error: null };

export class SessionFeed {
  readonly changes = new Signal<FeedView>();
  readonly sessionId: string;
  readonly #connection: Connection;
  readonly #pull: PullMessages;
  #subscriptions: (() => void)[] = [];
  #view = NOTHING_YET;
  /** Counts the joins. An answer to any but the latest is of no interest. */
  #join = 0;
  #joining = false;
  #pulling = false;
  #pullFailures = 0;
  #atOnce = PULLED_AT_ONCE;
  readonly #pulled = new Set<string>();
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #open = false;

  constructor(connection: Connection, sessionId: string, pull: PullMessages) {
    this.#connection = connection;
    this.sessionId = sessionId;
    this.#pull = pull;
  }

  get view(): FeedView {
    return this.#view;
  }

  /** Joins the room as soon as there is a connection, and follows it until `close`. */
  open(): void {
    const connection = this.#connection;
    this.#open = true;
    this.#subscriptions = [
      connection.on("event", (event) => this.#isMine(event) && this.#onEvent(event)),
      connection.on("head", (head) => this.#isMine(head) && this.#onHead(head)),
      connection.on("resync", (resync) => this.#isMine(resync) && this.#rejoin(false)),
      connection.opened.listen(() => this.#rejoin(true)),
      connection.silent.listen(() => this.#rejoin(true)),
      connection.states.listen((state) => state !== "connected" && this.#pause()),
    ];
    this.#rejoin(true);
  }

  /** Leaves the room; `open` enters it again where this left off. */
  close(): void {
    this.#open = false;
    this.#pause();
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    // An answer would change nothing: a connection that is gone has left every room.
    this.#connection.call("leave_session", { sessionId: this.sessionId }).catch(() => undefined);
  }

  /** Asks again, after the server said no. */
  retry(): void {
    this.#rejoin(true);
  }

  /** Puts an earlier page of the branch in front of what is shown. */
  prepend({ epoch, messages }: MessagesPage): void {
    const { snapshot } = this.#view;
    if (snapshot?.epoch === epoch) this.#show({ snapshot: withEarlier(snapshot, messages) });
  }

  #isMine({ sessionId }: { readonly sessionId: string }): boolean {
    return sessionId === this.sessionId;
  }

  /** Whatever is on its way belongs to a connection that is gone. */
  #pause(): void {
    this.#join += 1;
    this.#joining = false;
    clearTimeout(this.#timer);
    if (this.#view.phase === "live") this.#show({ phase: "catching_up" });
  }

  /** Joins after what we have, or afresh. A later join makes the answer to an earlier one void. */
  #rejoin(fromCursor: boolean): void {
    if (!this.#open || this.#connection.state !== "connected") return;
    clearTimeout(this.#timer);
    const join = ++this.#join;
    this.#joining = true;
    const snapshot = fromCursor ? this.#view.snapshot : null;
    const cursor = snapshot === null ? {} : { after: snapshot.head, epoch: snapshot.epoch };
    this.#connection.ask(
      "join_session",
      { sessionId: this.sessionId, ...cursor },
      (ack) => join === this.#join && this.#onJoined(ack),
      (error) => join === this.#join && this.#onJoinFailed(error),
    );
  }

  #onJoined(ack: JoinAck): void {
    this.#joining = false;
    const known = this.#view.snapshot;
    const base = ack.snapshot ?? known;
    if (base === null) return this.#rejoinLater(false);
    const { snapshot, whole } = follow(base, ack.events);
    const progress = base !== known || snapshot.head > base.head;
    const phase = whole && !ack.hasMore ? "live" : "catching_up";
    const takenAt = ack.snapshot ? `${ack.snapshot.epoch} ${ack.snapshot.head}` : this.#view.takenAt;
    this.#show({ snapshot, takenAt, phase: phaseAfter(ack.events, phase), error: null });
    if (!whole || (ack.hasMore && !progress)) return this.#rejoinLater(false);
    this.#failures = 0;
    if (ack.hasMore) this.#rejoin(true);
  }

  #onJoinFailed(error: unknown): void {
    this.#joining = false;
    if (!(error instanceof CallError) || error.retryable) return this.#rejoinLater(true);
    this.#show({ phase: error.code === "session_not_found" ? "gone" : "failed", error: error.message });
  }

  #rejoinLater(fromCursor: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rejoin(fromCursor), delayMs(this.#failures++));
  }

  #onEvent(event: SessionEvent): void {
    const { snapshot } = this.#view;
    // While a join is open, its answer will hold this event or an earlier one that has to come first.
    if (this.#joining || snapshot === null) return;
    const { snapshot: next, whole } = follow(snapshot, [event]);
    if (next !== snapshot) this.#show({ snapshot: next, phase: phaseAfter([event], this.#view.phase) });
    if (!whole) this.#rejoin(true);
  }

  #onHead(head: Head): void {
    const { snapshot } = this.#view;
    if (this.#joining || snapshot === null) return;
    if (head.epoch !== snapshot.epoch) return this.#rejoin(true);
    if (head.seq <= snapshot.head) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if ((this.#view.snapshot?.head ?? 0) < head.seq) this.#rejoin(true);
    }, HEAD_GRACE_MS);
  }

  /** One pull at a time; what it did not bring, or what was cut meanwhile, is asked for by the next. */
  #pullBodies(): void {
    const { snapshot } = this.#view;
    if (this.#pulling || !this.#open || snapshot === null) return;
    const wants = wanted(snapshot)
      .filter((message) => !this.#pulled.has(wantKey(message)))
      .slice(0, this.#atOnce);
    if (wants.length === 0) return;
    this.#pulling = true;
    for (const message of wants) this.#pulled.add(wantKey(message));
    const ids = wants.map(({ id }) => id);
    this.#pull(this.sessionId, ids).then(
      ({ messages }) => {
        this.#pulling = false;
        this.#pullFailures = 0;
        this.#atOnce = PULLED_AT_ONCE;
        const now = this.#view.snapshot;
        if (now?.epoch !== snapshot.epoch) return;
        this.#show({ snapshot: withBodies(now, upToDate(now, wants, messages)) });
      },
      () => {
        this.#pulling = false;
        // They may have been too much together.
        this.#atOnce = Math.max(1, Math.floor(this.#atOnce / 2));
        for (const message of wants) this.#pulled.delete(wantKey(message));
        setTimeout(() => this.#pullBodies(), delayMs(this.#pullFailures++));
      },
    );
  }

  #show(change: Partial<FeedView>): void {
    this.#view = { ...this.#view, ...change };
    this.changes.emit(this.#view);
    this.#pullBodies();
  }
}

/** Deleting and restoring decide the phase; other events leave it at `otherwise`. */
function phaseAfter(events: readonly SessionEvent[], otherwise: FeedPhase): FeedPhase {
  const last = events.findLast(({ type }) => type === "session.deleted" || type === "session.restored");
  if (last === undefined) return otherwise;
  return last.type === "session.deleted" ? "gone" : "live";
}
