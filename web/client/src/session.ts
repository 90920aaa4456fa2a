/** An open session: its context as it is now, who is there, what is on its way, and everything that can be asked of it.
 * Never renders. */

import type { Connection } from "./connection.ts";
import { SessionFeed } from "./feed.ts";
import type { FeedMode, FeedView } from "./feed.ts";
import { History } from "./history.ts";
import type { Lane, OutboxEntry, Sending } from "./lane.ts";
import type { Outbox } from "./outbox.ts";
import { NOBODY, presenceAfter, presenceOf } from "./presence.ts";
import type { Presence } from "./presence.ts";
import type { Rest } from "./rest.ts";
import { Signal } from "./signal.ts";
import type { Unsubscribe } from "./signal.ts";
import { Typing } from "./typing.ts";
import type {
  Answer,
  Broadcast,
  EventOf,
  EventType,
  ForkOptions,
  Head,
  MergeOptions,
  MessagesPage,
  Mode,
  Outgoing,
  PlanItem,
  PresenceChange,
  Sender,
  SessionEvent,
  Snapshot,
} from "./wire.ts";

/** Everything there is to show; each part is the same object until it changes. */
export interface SessionView extends FeedView {
  /** What this client wrote and the snapshot does not hold yet. It leaves in the change that brings the message. */
  readonly outbox: readonly OutboxEntry[];
  readonly presence: Presence;
  /** Others who type just now. */
  readonly typing: readonly Sender[];
}

export interface SessionOptions {
  /** `signal`: events are announced and pulled by REST, for lines that should carry little. */
  readonly mode?: FeedMode;
}

/** What a session needs of its hub. */
export interface SessionParts {
  readonly connection: Connection;
  readonly rest: Rest;
  readonly outbox: Outbox;
}

export class LiveSession {
  readonly changes = new Signal<SessionView>();
  /** What others say that nobody keeps. */
  readonly broadcasts = new Signal<Broadcast>();
  readonly sessionId: string;
  readonly feed: SessionFeed;
  /** Every message of the active branch by its position, however many there are. */
  readonly history: History;
  readonly #connection: Connection;
  readonly #rest: Rest;
  readonly #lane: Lane;
  readonly #typing: Typing;
  readonly #listeners = new Map<string, Signal<SessionEvent>>();
  #subscriptions: Unsubscribe[] = [];
  #presence = NOBODY;
  #settling = false;
  #view: SessionView;

  constructor({ connection, rest, outbox }: SessionParts, sessionId: string, { mode = "push" }: SessionOptions = {}) {
    const messages = (id: string, ids: readonly string[]) => rest.messagesById(id, ids);
    const events = (id: string, after: number) => rest.events(id, after);
    this.sessionId = sessionId;
    this.feed = new SessionFeed(connection, sessionId, { messages, events }, mode);
    this.#connection = connection;
    this.#rest = rest;
    this.history = new History({
      page: (after, branch) => rest.messagesAfter(sessionId, after, branch),
      messages: (ids) => rest.messagesById(sessionId, ids),
    });
    this.#lane = outbox.lane(sessionId);
    this.#typing = new Typing((data) => this.broadcast(data));
    this.#view = { ...this.feed.view, outbox: this.#lane.entries, presence: NOBODY, typing: [] };
  }

  get view(): SessionView {
    return this.#view;
  }

  get snapshot(): Snapshot | null {
    return this.#view.snapshot;
  }

  /** Joins the room as soon as there is a connection, and follows it until `close`. */
  open(): void {
    if (this.#subscriptions.length > 0) return;
    const mine = ({ sessionId }: { readonly sessionId: string }) => sessionId === this.sessionId;
    this.#subscriptions = [
      this.feed.joined.listen((ack) => (this.#presence = presenceOf(ack))),
      this.feed.applied.listen((event) => this.#onEvent(event)),
      this.feed.left.listen((left) => this.history.keep(left)),
      this.feed.changes.listen(() => this.#show()),
      this.#lane.changes.listen(() => this.#show()),
      this.#typing.changes.listen(() => this.#show()),
      this.#connection.on("presence", (change) => mine(change) && this.#onPresence(change)),
      this.#connection.on("head", (head) => mine(head) && this.#onHead(head)),
      this.#connection.on("broadcast", (broadcast) => mine(broadcast) && this.#onBroadcast(broadcast)),
    ];
    this.#lane.follow();
    this.feed.open();
    this.#show();
  }

  /** Leaves the room; `open` enters it again where this left off. What is on its way is sent nevertheless. */
  close(): void {
    if (this.#subscriptions.length === 0) return;
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.feed.close();
    this.history.close();
    this.#typing.close();
    this.#lane.unfollow();
  }

  /** Asks again, after the server refused the session. */
  rejoin(): void {
    this.feed.rejoin();
  }

  /** Calls `listener` with each event of a type, before the view that holds it is shown. */
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): Unsubscribe {
    const signal = this.#listeners.get(type) ?? new Signal<SessionEvent>();
    this.#listeners.set(type, signal);
    return signal.listen(listener as unknown as (event: SessionEvent) => void);
  }

  /** Shows the message in the outbox at once, and sends it until it is answered: over reconnects, and over reloads
   * where there is a store. */
  send(message: Omit<Outgoing, "clientMessageId">): Sending {
    this.setTyping(false);
    return this.#lane.add(message);
  }

  /** Tries a message of the outbox again that was refused. */
  retrySending(clientMessageId: string): void {
    this.#lane.retry(clientMessageId);
  }

  /** Takes a message out of the outbox. */
  discard(clientMessageId: string): void {
    this.#lane.discard(clientMessageId);
  }

  /** Says what was really meant, instead of a message and all that followed it: forks the active branch just before the
   * message, switches to the fork and sends `text` there. The old branch stays as it was, under its name, and can be
   * switched back to. Rejects with `run_active` while a run is at work: cancel it first. */
  async editAndResend(messageId: string, text: string): Promise<Sending> {
    await this.fork({ messageId, before: true, switch: true });
    return this.send({ content: text });
  }

  /** Ends the run and drops what waits, or ends the one that is named. */
  cancel(runId?: string) {
    const named = runId === undefined ? {} : { runId };
    return this.#connection.call("cancel_run", { sessionId: this.sessionId, ...named });
  }

  /** The first answer wins; a later one rejects with `approval_resolved`. */
  resolveApproval(answer: Omit<Answer, "sessionId">) {
    return this.#connection.call("resolve_approval", { sessionId: this.sessionId, ...answer });
  }

  /** Runs again for the last message, after an error. */
  retry() {
    return this.#rest.retry(this.sessionId);
  }

  setMode(mode: Mode) {
    return this.#rest.setMode(this.sessionId, mode);
  }

  setModel(model: string) {
    return this.#rest.setModel(this.sessionId, model);
  }

  revokeGrant(tool: string) {
    return this.#rest.revokeGrant(this.sessionId, tool);
  }

  fork(options: ForkOptions) {
    return this.#rest.fork(this.sessionId, options);
  }

  switchBranch(name: string) {
    return this.#rest.switchBranch(this.sessionId, name);
  }

  merge(options: MergeOptions) {
    return this.#rest.merge(this.sessionId, options);
  }

  /** What a merge would bring, and what both sides changed. Changes nothing. */
  previewMerge(options: MergeOptions) {
    return this.#rest.merge(this.sessionId, options, true);
  }

  setBranchPrompt(branch: string, systemPrompt: string | null) {
    return this.#rest.setBranchPrompt(this.sessionId, branch, systemPrompt);
  }

  pin(what: { readonly messageId: string } | { readonly text: string }) {
    return this.#rest.pin(this.sessionId, what);
  }

  unpin(pinId: string) {
    return this.#rest.unpin(this.sessionId, pinId);
  }

  setPlan(items: readonly PlanItem[]) {
    return this.#rest.setPlan(this.sessionId, items);
  }

  rename(title: string) {
    return this.#rest.renameSession(this.sessionId, title);
  }

  /** Puts the session away: it can be read, nothing can be said until `restore`. */
  archive() {
    return this.#rest.archive(this.sessionId);
  }

  restore() {
    return this.#rest.unarchive(this.sessionId);
  }

  /** Undone by `undelete` for 30 days. */
  delete() {
    return this.#rest.deleteSession(this.sessionId);
  }

  undelete() {
    return this.#rest.restoreSession(this.sessionId);
  }

  /** Call it with every key that is pressed, and with false when what was written is gone. */
  setTyping(on: boolean): void {
    this.#typing.set(on);
  }

  /** Tells the others in the room something that nobody keeps; at most 4 KiB. Lost without a connection. */
  broadcast(data: unknown): void {
    this.#connection.call("broadcast_message", { sessionId: this.sessionId, data }).catch(() => undefined);
  }

  /** Puts an earlier page of the branch in front of what is shown. */
  prepend(page: MessagesPage): void {
    this.feed.prepend(page);
  }

  #onEvent(event: SessionEvent): void {
    this.history.apply(event);
    if (event.type === "message.created") {
      const { message } = (event as EventOf<"message.created">).data;
      if (message.role === "user") this.#typing.ended(message.author);
    }
    this.#listeners.get(event.type)?.emit(event);
  }

  #onPresence(change: PresenceChange): void {
    const after = presenceAfter(this.#presence, change);
    if (after === null) return this.feed.rejoin();
    this.#presence = after;
    for (const { userId } of change.left) this.#typing.ended(userId);
    this.#show();
  }

  #onHead({ presenceVersion = 0 }: Head): void {
    if (presenceVersion > this.#presence.version) this.feed.rejoin();
  }

  #onBroadcast(broadcast: Broadcast): void {
    this.#typing.hear(broadcast);
    this.broadcasts.emit(broadcast);
  }

  /** What arrived is no longer on its way: both are told by one change. */
  #show(): void {
    if (this.#settling) return;
    const { snapshot } = this.feed.view;
    this.#settling = true;
    if (snapshot !== null) this.#lane.settle(snapshot);
    this.#settling = false;
    if (snapshot !== null) this.history.show(snapshot, this.feed.view.takenAt);
    const parts = { outbox: this.#lane.entries, presence: this.#presence, typing: this.#typing.others };
    this.#view = { ...this.feed.view, ...parts };
    this.changes.emit(this.#view);
  }
}
