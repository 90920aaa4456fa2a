/** One connection to the hub: calls with answers, events, reconnecting for ever. Knows no session's contents. */

import { delayMs } from "./backoff.ts";
import { lost, toCallError } from "./errors.ts";
import type { CallError } from "./errors.ts";
import { Signal } from "./signal.ts";
import type { SocketLike } from "./socket.ts";
import type { Ack, Args, CallName, Goodbye, ServerEvents } from "./wire.ts";

export type ConnectionState = "connecting" | "connected" | "reconnecting" | "offline" | "refused";

/** A call without an answer for this long means a dead socket: it is closed and opened again. */
export const ANSWER_MS = 10_000;
/** The server says something every 25 s to a joined session; longer silence is worth a question. */
export const SILENCE_MS = 45_000;
/** An attempt to connect that has come to nothing by then is given up and made again. */
export const CONNECT_MS = 25_000;

const SERVER_EVENTS = [
  "event",
  "signal",
  "head",
  "resync",
  "presence",
  "broadcast",
  "goodbye",
  "session",
  "running",
  "user_state",
  "tools",
] as const;

interface Pending {
  readonly reject: (error: CallError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Connection {
  readonly states = new Signal<ConnectionState>();
  /** Connected, for the first time or again: whatever is wanted from the server has to be asked for. */
  readonly opened = new Signal<null>();
  /** Nothing was received for a while: ask something, so that a dead socket shows itself. */
  readonly silent = new Signal<null>();
  readonly unauthenticated = new Signal<null>();
  readonly #socket: SocketLike;
  readonly #events = new Map<string, Signal<unknown>>();
  readonly #pending = new Set<Pending>();
  readonly #hearing: (() => void)[] = [];
  readonly #rooms = new Map<string, number>();
  #state: ConnectionState = "connecting";
  #attempt = 0;
  #retry: Timer;
  #silence: Timer;
  #connecting: Timer;
  #stopped = true;
  #dropping = false;
  #farewell: Goodbye | null = null;

  constructor(socket: SocketLike) {
    this.#socket = socket;
    this.#hear("connect", () => this.#onConnect());
    this.#hear("connect_error", (error) => this.#onConnectError(error));
    this.#hear("disconnect", () => this.#onDisconnect());
    for (const name of SERVER_EVENTS) this.#hear(name, (data) => this.#onServerEvent(name, data));
    this.on("goodbye", (goodbye) => (this.#farewell = goodbye));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Why the server will not have this client, while the state is `refused`. */
  get refusal(): string | null {
    return this.#state === "refused" ? (this.#farewell?.reason ?? "The server refused the connection") : null;
  }

  start(): void {
    this.#stopped = false;
    this.#setState("connecting");
    this.#connect();
  }

  /** Ends it: open calls are rejected, no further attempt is made, until `start`. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** Ends it for good and leaves nothing behind on the socket. */
  close(): void {
    this.stop();
    for (const stopHearing of this.#hearing.splice(0)) stopHearing();
    this.#events.clear();
  }

  on<E extends keyof ServerEvents>(event: E, listener: (data: ServerEvents[E]) => void): () => void {
    const signal = this.#events.get(event) ?? new Signal<unknown>();
    this.#events.set(event, signal);
    return signal.listen(listener as (data: unknown) => void);
  }

  /** How many listen to this connection, to whatever it tells. */
  get listening(): number {
    const told = [this.states, this.opened, this.silent, this.unauthenticated, ...this.#events.values()];
    return told.reduce((sum, signal) => sum + signal.size, 0);
  }

  /** The ack of `{ok: true}`. Rejects with a CallError: the server's, or a retryable one when no answer came. */
  call<N extends CallName>(name: N, args: Args<N>): Promise<Ack<N>> {
    return new Promise((resolve, reject) => this.ask(name, args, resolve, reject));
  }

  /** As `call`, but the answer is handed over before any later packet: who keeps a position or a list needs that. */
  ask<N extends CallName>(
    name: N,
    args: Args<N>,
    onAck: (ack: Ack<N>) => void,
    onError: (error: CallError) => void,
  ): void {
    if (!this.#socket.connected) return onError(lost("not_connected", "Not connected to the server"));
    const pending: Pending = { reject: onError, timer: setTimeout(() => this.#onNoAnswer(pending), ANSWER_MS) };
    this.#pending.add(pending);
    this.#socket.emit(name, args, (ack: unknown) => {
      if (!this.#settle(pending)) return;
      this.#onReceived();
      const { ok, error } = (ack ?? {}) as { ok?: unknown; error?: unknown };
      if (ok === true) onAck(ack as Ack<N>);
      else onError(toCallError(error, `${name} failed`));
    });
  }

  /** Somebody shows a session; joining it is their own work. */
  enter(sessionId: string): void {
    this.#rooms.set(sessionId, (this.#rooms.get(sessionId) ?? 0) + 1);
  }

  /** The last who shows a session leaves its room. */
  leave(sessionId: string): void {
    const others = (this.#rooms.get(sessionId) ?? 1) - 1;
    if (others > 0) return void this.#rooms.set(sessionId, others);
    this.#rooms.delete(sessionId);
    // An answer would change nothing: a connection that is gone has left every room.
    this.call("leave_session", { sessionId }).catch(() => undefined);
  }

  /** The page came back into view: connect now rather than at the next attempt, and doubt a quiet socket. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#socket.connected) this.silent.emit(null);
    else this.reopen();
  }

  /** The network went away, says the browser. It can be wrong, so the attempts go on. */
  markOffline(): void {
    if (!this.#stopped) this.#setState("offline");
  }

  /** Closes whatever is there and connects anew, at once. */
  reopen(): void {
    if (this.#stopped) return;
    this.#farewell = null;
    this.#attempt = 0;
    this.#drop();
    if (this.#state !== "connecting") this.#setState("reconnecting");
    this.#connect();
  }

  #hear(event: string, listener: (data: unknown) => void): void {
    this.#socket.on(event, listener);
    this.#hearing.push(() => this.#socket.off(event, listener));
  }

  #connect(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#connecting);
    this.#connecting = setTimeout(() => this.#onStalledConnect(), CONNECT_MS);
    this.#socket.connect();
  }

  #onConnect(): void {
    clearTimeout(this.#connecting);
    this.#farewell = null;
    this.#armSilence();
    this.#setState("connected");
    this.opened.emit(null);
  }

  #onConnectError(error: unknown): void {
    clearTimeout(this.#connecting);
    if (this.#stopped) return;
    if (this.#socket.active) this.#retryLater();
    else this.#onRefused(error);
  }

  /** The handshake was answered with a no, which stays a no until something changes: a token, or the user asks. */
  #onRefused(error: unknown): void {
    const { message, data } = error as { message: string; data?: { code?: string } | null };
    const code = data?.code ?? message;
    this.#farewell = { code, retryable: false, reason: message };
    this.#setState("refused");
    if (code === "unauthenticated") this.unauthenticated.emit(null);
  }

  /** Also fired when the transport closes before the handshake is through: a server that is full or draining. */
  #onDisconnect(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#connecting);
    this.#rejectPending();
    if (this.#stopped || this.#dropping) return;
    if (this.#farewell?.retryable === false) this.#setState("refused");
    else this.#retryLater();
  }

  #onStalledConnect(): void {
    this.#drop();
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#state !== "offline") this.#setState(this.#state === "connecting" ? "connecting" : "reconnecting");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), delayMs(this.#attempt++));
  }

  #onNoAnswer(pending: Pending): void {
    if (!this.#settle(pending)) return;
    pending.reject(lost("no_answer", "The server did not answer in time"));
    if (!this.#stopped) this.reopen();
  }

  #onServerEvent(name: string, data: unknown): void {
    this.#onReceived();
    this.#events.get(name)?.emit(data);
  }

  /** Something came from the server, so this connection is good: later trouble starts with short delays again. */
  #onReceived(): void {
    this.#attempt = 0;
    if (!this.#socket.connected) return;
    this.#armSilence();
    if (this.#state !== "offline") return;
    // The browser was wrong about the network, or it is back: what was missed meanwhile has to be asked for.
    this.#setState("connected");
    this.silent.emit(null);
  }

  #armSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#armSilence();
      this.silent.emit(null);
    }, SILENCE_MS);
  }

  /** Lets go of the socket without the usual answer to a disconnect. */
  #drop(): void {
    this.#dropping = true;
    this.#socket.disconnect();
    this.#dropping = false;
    clearTimeout(this.#connecting);
    clearTimeout(this.#silence);
    this.#rejectPending();
  }

  #rejectPending(): void {
    for (const pending of [...this.#pending]) {
      if (this.#settle(pending)) pending.reject(lost("connection_lost", "The connection was lost"));
    }
  }

  #settle(pending: Pending): boolean {
    clearTimeout(pending.timer);
    return this.#pending.delete(pending);
  }

  #setState(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.states.emit(state);
  }
}
