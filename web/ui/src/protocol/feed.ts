/** One session as this client sees it: joined, followed event by event, healed by its position. Never renders. */

import { delayMs } from "./backoff";
import type { Connection } from "./connection";
import { follow, followPulled } from "./cursor";
import { CallError } from "./errors";
import { withEarlier } from "./reducer";
import { Signal } from "./signal";
import type { EventsPage, Head, JoinAck, Message, SessionEvent, Snapshot } from "./wire";

/** `gone`: deleted or never there. `failed`: the server refuses the session; `error` says why. */
export type FeedPhase = "loading" | "live" | "catching_up" | "gone" | "failed";

export interface FeedView {
  readonly phase: FeedPhase;
  readonly snapshot: Snapshot | null;
  readonly error: string | null;
}

/** Reads events by REST: for payloads too large to travel in an event. */
export type PullEvents = (sessionId: string, after: number) => Promise<EventsPage>;

/** A head that is ahead of us may only have overtaken events on their way; then they have arrived by now. */
export const HEAD_GRACE_MS = 3_000;

const NOTHING_YET: FeedView = { phase: "loading", snapshot: null, error: null };

export class SessionFeed {
  readonly changes = new Signal<FeedView>();
  readonly sessionId: string;
  readonly #connection: Connection;
  readonly #pull: PullEvents;
  #subscriptions: (() => void)[] = [];
  #view = NOTHING_YET;
  /** Counts the joins. An answer to any but the latest is of no interest. */
  #join = 0;
  #joining = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #open = false;

  constructor(connection: Connection, sessionId: string, pull: PullEvents) {
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
  prepend(page: readonly Message[]): void {
    const { snapshot } = this.#view;
    if (snapshot !== null) this.#show({ snapshot: withEarlier(snapshot, page) });
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
    const { snapshot, need } = follow(base, ack.events);
    const progress = base !== known || snapshot.head > base.head;
    const behind = ack.hasMore || need !== "nothing";
    this.#show({ snapshot, phase: phaseAfter(ack.events, behind ? "catching_up" : "live"), error: null });
    if (need === "pull") return this.#pullNext(snapshot);
    if (need === "join" || (ack.hasMore && !progress)) return this.#rejoinLater(false);
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
    const { snapshot: next, need } = follow(snapshot, [event]);
    if (next !== snapshot) this.#show({ snapshot: next, phase: phaseAfter([event], this.#view.phase) });
    if (need === "pull") this.#pullNext(next);
    if (need === "join") this.#rejoin(true);
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

  /** Reads by REST the event that was too large to be sent, then joins after it. Counts as a join that is open. */
  #pullNext(snapshot: Snapshot): void {
    const join = ++this.#join;
    this.#joining = true;
    this.#pull(this.sessionId, snapshot.head).then(
      (page) => {
        if (join !== this.#join) return;
        this.#show({ snapshot: followPulled(snapshot, page.events) });
        this.#rejoin(true);
      },
      (error: unknown) => join === this.#join && this.#onJoinFailed(error),
    );
  }

  #show(change: Partial<FeedView>): void {
    this.#view = { ...this.#view, ...change };
    this.changes.emit(this.#view);
  }
}

/** Deleting and restoring decide the phase; other events leave it at `otherwise`. */
function phaseAfter(events: readonly SessionEvent[], otherwise: FeedPhase): FeedPhase {
  const last = events.findLast(({ type }) => type === "session.deleted" || type === "session.restored");
  if (last === undefined) return otherwise;
  return last.type === "session.deleted" ? "gone" : "live";
}
