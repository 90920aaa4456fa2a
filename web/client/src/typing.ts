/** Who is typing in a session, told by broadcasts that nobody keeps. Never sends or receives by itself. */

import { newId } from "./ids.ts";
import { Signal } from "./signal.ts";
import type { Broadcast, Sender } from "./wire.ts";

/** How often it is said again while somebody goes on typing. */
export const SAID_EVERY_MS = 3_000;
/** What was not said again for this long has ended: the sender is gone, or their last word was lost. */
export const EXPIRES_MS = 6_000;

interface Typist extends Sender {
  readonly timer: ReturnType<typeof setTimeout>;
}

interface TypingData {
  readonly type: "typing";
  readonly on: boolean;
  /** Tells a user's tabs apart. */
  readonly tab: string;
}

export class Typing {
  readonly changes = new Signal<readonly Sender[]>();
  readonly #say: (data: TypingData) => void;
  readonly #tab = newId();
  readonly #typists = new Map<string, Typist>();
  #others: readonly Sender[] = [];
  #said: ReturnType<typeof setTimeout> | undefined;

  constructor(say: (data: TypingData) => void) {
    this.#say = say;
  }

  /** The others, in the order in which they began; a user who types in two tabs is there twice. */
  get others(): readonly Sender[] {
    return this.#others;
  }

  /** Call it with every key that is pressed: it is said at most every three seconds, and at once when it ends. */
  set(on: boolean): void {
    if (on && this.#said === undefined) {
      this.#said = setTimeout(() => (this.#said = undefined), SAID_EVERY_MS);
      this.#say({ type: "typing", on, tab: this.#tab });
    } else if (!on && this.#said !== undefined) {
      this.#forgetSaid();
      this.#say({ type: "typing", on, tab: this.#tab });
    }
  }

  /** A broadcast of somebody else; what is no word about typing is left alone. */
  hear({ from, data }: Broadcast): void {
    const { type, on, tab } = (data ?? {}) as Partial<Record<keyof TypingData, unknown>>;
    if (type !== "typing" || typeof on !== "boolean") return;
    const key = `${from.userId} ${typeof tab === "string" ? tab : ""}`;
    clearTimeout(this.#typists.get(key)?.timer);
    if (on) this.#typists.set(key, { ...from, timer: setTimeout(() => this.#drop(key), EXPIRES_MS) });
    else this.#typists.delete(key);
    this.#show();
  }

  /** Who has sent a message, or left, no longer types. */
  ended(userId: string): void {
    for (const [key, typist] of this.#typists) {
      if (typist.userId === userId) this.#drop(key);
    }
  }

  close(): void {
    this.#forgetSaid();
    for (const { timer } of this.#typists.values()) clearTimeout(timer);
    this.#typists.clear();
    this.#show();
  }

  #forgetSaid(): void {
    clearTimeout(this.#said);
    this.#said = undefined;
  }

  #drop(key: string): void {
    clearTimeout(this.#typists.get(key)?.timer);
    this.#typists.delete(key);
    this.#show();
  }

  #show(): void {
    const others = [...this.#typists.values()].map(({ userId, name }) => ({ userId, name }));
    if (idsOf(others) === idsOf(this.#others)) return;
    this.#others = others;
    this.changes.emit(others);
  }
}

function idsOf(users: readonly Sender[]): string {
  return users.map(({ userId }) => userId).join(" ");
}
