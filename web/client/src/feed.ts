/** One session as this client sees it: joined, followed event by event, healed by its position. Never renders. */

import { delayMs } from "./backoff.ts";
import { BodyPuller } from "./bodyPuller.ts";
import type { Connection } from "./connection.ts";
import { follow } from "./cursor.ts";
import { CallError } from "./errors.ts";
import { EventPuller } from "./puller.ts";
import { withEarlier } from "./reducer.ts";
import { Signal } from "./signal.ts";
import { TAIL_MAX, trimmed } from "./tail.ts";
import type { Left } from "./tail.ts";
import type {
  EventPage,
  Head,
  JoinAck,
  MessageBatch,
  MessagesPage,
  SessionEvent,
  SignalEvent,
  Snapshot,
} from "./wire.ts";

/** `gone`: deleted or never there. `failed`: the server refuses the session; `error` says why. */
export type FeedPhase = "loading" | "live" | "catching_up" | "gone" | "failed";
/** `push`: events come as they happen. `signal`: they are announced, and pulled by REST. */
export type FeedMode = "push" | "signal";

export interface FeedView {
  readonly phase: FeedPhase;
  readonly snapshot: Snapshot | null;
  /** Names the snapshot that later events were folded into: another one may have left things out. */
  readonly takenAt: string | null;
  readonly error: string | null;
}

/** What a feed reads by REST: whole messages whose body was too large to travel, and events in signal mode. */
export interface Pulls {
  readonly messages: (sessionId: string, ids: readonly string[]) => Promise<MessageBatch>;
  readonly events: (sessionId: string, after: number) => Promise<EventPage>;
}

/** A head that is ahead of us may only have overtaken events on their way; then they have arrived by now. */
export const HEAD_GRACE_MS = 3_000;

const NOTHING_YET: FeedView = { phase: "loading", snapshot: null, takenAt: null, error: null };

export class SessionFeed {
  readonly changes = new Signal<FeedView>();
  /** Each event that is folded in, before `changes` tells of the snapshot that holds it. */
  readonly applied = new Signal<SessionEvent>();
  /** Messages that are no longer in the snapshot because it is bounded, told before `changes`. */
  readonly left = new Signal<Left>();
  /** The server's answer to each join, told before `changes`. */
  readonly joined = new Signal<JoinAck>();
  readonly sessionId: string;
  readonly mode: FeedMode;
  readonly #connection: Connection;
  readonly #bodies: BodyPuller;
  readonly #puller: EventPuller;
  #subscriptions: (() => void)[] = [];
  #view = NOTHING_YET;
  /** Counts the joins. An answer to any but the latest is of no interest. */
  #join = 0;
  #joining = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #open = false;
  #kept = TAIL_MAX;

  constructor(connection: Connection, sessionId: string, pulls: Pulls, mode: FeedMode = "push") {
    this.#connection = connection;
    this.sessionId = sessionId;
    this.mode = mode;
    this.#bodies = new BodyPuller({
      read: (ids) => pulls.messages(sessionId, ids),
      snapshot: () => this.#view.snapshot,
      show: (snapshot) => this.#show({ snapshot }),
    });
    this.#puller = new EventPuller({
      read: (after) => pulls.events(sessionId, after),
      position: () => this.#view.snapshot?.head ?? 0,
      take: (page) => this.#onPulled(page),
      refused: (error) => this.#onPullRefused(error),
    });
  }

  get view(): FeedView {
    return this.#view;
  }

  /** Joins the room as soon as there is a connection, and follows it until `close`. */
  open(): void {
    if (this.#open) return;
    const connection = this.#connection;
    this.#open = true;
    connection.enter(this.sessionId);
    this.#bodies.start();
    this.#subscriptions = [
      connection.on("event", (event) => this.#isMine(event) && this.#onEvent(event)),
      connection.on("signal", (signal) => this.#isMine(signal) && this.#onSignal(signal)),
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
    if (!this.#open) return;
    this.#open = false;
    this.#bodies.stop();
    this.#pause();
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.#connection.leave(this.sessionId);
  }

  /** Joins again after what we have: the server said no, or something beside the events was missed. */
  rejoin(): void {
    this.#rejoin(true);
  }

  /** Puts an earlier page of the branch in front of what is shown. */
  prepend({ epoch, messages }: MessagesPage): void {
    const { snapshot } = this.#view;
    if (snapshot?.epoch !== epoch) return;
    const longer = withEarlier(snapshot, messages);
    this.#kept = Math.max(this.#kept, longer.messages.length);
    this.#show({ snapshot: longer });
  }

  #isMine({ sessionId }: { readonly sessionId: string }): boolean {
    return sessionId === this.sessionId;
  }

  /** Whatever is on its way belongs to a connection that is gone. */
  #pause(): void {
    this.#join += 1;
    this.#joining = false;
    this.#puller.reset();
    clearTimeout(this.#timer);
    if (this.#view.phase === "live") this.#show({ phase: "catching_up" });
  }

  /** Joins after what we have, or afresh. A later join makes the answer to an earlier one void. */
  #rejoin(fromCursor: boolean): void {
    if (!this.#open || this.#connection.state !== "connected") return;
    clearTimeout(this.#timer);
    const join = ++this.#join;
    this.#joining = true;
    this.#puller.reset();
    const snapshot = fromCursor ? this.#view.snapshot : null;
    const cursor = snapshot === null ? {} : { after: snapshot.head, epoch: snapshot.epoch };
    const mode = this.mode === "push" ? {} : { mode: this.mode };
    this.#connection.ask(
      "join_session",
      { sessionId: this.sessionId, ...cursor, ...mode },
      (ack) => join === this.#join && this.#onJoined(ack),
      (error) => join === this.#join && this.#onJoinFailed(error),
    );
  }

  #onJoined(ack: JoinAck): void {
    this.#joining = false;
    const known = this.#view.snapshot;
    const base = ack.snapshot ?? known;
    if (base === null) return this.#rejoinLater(false);
    this.joined.emit(ack);
    // The events of signal mode have no content: all of them are pulled.
    const events = this.mode === "push" ? ack.events : [];
    const { snapshot, whole } = follow(base, events);
    const progress = base !== known || snapshot.head > base.head;
    const complete = whole && !ack.hasMore && (this.mode === "push" || snapshot.head >= ack.head);
    const phase = phaseAfter(events, complete ? "live" : "catching_up");
    const takenAt = ack.snapshot ? `${ack.snapshot.epoch} ${ack.snapshot.head}` : this.#view.takenAt;
    if (ack.snapshot) this.#kept = TAIL_MAX;
    this.#fold(base, events, { snapshot, takenAt, phase, error: null });
    if (!whole || (ack.hasMore && !progress)) return this.#rejoinLater(false);
    this.#failures = 0;
    if (ack.hasMore) this.#rejoin(true);
    else if (this.mode === "signal") this.#puller.announce(ack.head);
  }

  #onJoinFailed(error: unknown): void {
    this.#joining = false;
    if (!(error instanceof CallError) || error.retryable) return this.#rejoinLater(true);
    this.#showRefusal(error);
  }

  #showRefusal(error: CallError): void {
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
    const phase = phaseAfter([event], this.#view.phase);
    if (next !== snapshot) this.#fold(snapshot, [event], { snapshot: next, phase });
    if (!whole) this.#rejoin(true);
  }

  /** What is announced is a high-water mark: signals may be merged, and any of them may be lost. */
  #onSignal({ epoch, seq }: SignalEvent): void {
    const { snapshot } = this.#view;
    if (this.#joining || snapshot === null) return;
    if (epoch !== snapshot.epoch) this.#rejoin(true);
    else this.#puller.announce(seq);
  }

  #onPulled(page: EventPage): boolean {
    const { snapshot } = this.#view;
    if (snapshot === null) return false;
    const { snapshot: next, whole } = follow(snapshot, page.events);
    const phase = phaseAfter(page.events, next.head >= page.head ? "live" : this.#view.phase);
    this.#fold(snapshot, page.events, { snapshot: next, phase });
    if (whole && page.epoch === snapshot.epoch) return true;
    this.#rejoin(false);
    return false;
  }

  #onPullRefused(error: CallError): void {
    if (error.code === "events_gone") this.#rejoin(false);
    else this.#showRefusal(error);
  }

  #onHead(head: Head): void {
    const { snapshot } = this.#view;
    if (this.#joining || snapshot === null) return;
    if (head.epoch !== snapshot.epoch) return this.#rejoin(true);
    if (head.seq <= snapshot.head) return;
    if (this.mode === "signal") return this.#puller.announce(head.seq);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if ((this.#view.snapshot?.head ?? 0) < head.seq) this.#rejoin(true);
    }, HEAD_GRACE_MS);
  }

  /** Tells of those of `events` that took `base` to the snapshot of `change`, then shows it. */
  #fold(base: Snapshot, events: readonly SessionEvent[], change: Partial<FeedView> & { snapshot: Snapshot }): void {
    for (const event of events) {
      if (event.seq > base.head && event.seq <= change.snapshot.head) this.applied.emit(event);
    }
    this.#show(change);
  }

  #show(change: Partial<FeedView>): void {
    const { snapshot, left } = change.snapshot ? trimmed(change.snapshot, this.#kept) : { snapshot: null, left: null };
    if (left !== null) this.left.emit(left);
    this.#view = { ...this.#view, ...change, ...(snapshot === null ? {} : { snapshot }) };
    this.changes.emit(this.#view);
    this.#bodies.pull();
  }
}

/** Deleting and restoring decide the phase; other events leave it at `otherwise`. */
function phaseAfter(events: readonly SessionEvent[], otherwise: FeedPhase): FeedPhase {
  const last = events.findLast(({ type }) => type === "session.deleted" || type === "session.restored");
  if (last === undefined) return otherwise;
  return last.type === "session.deleted" ? "gone" : "live";
}
