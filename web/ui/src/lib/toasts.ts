/** Short notices that go by themselves, with at most one thing to do about each. A store; `Toasts.tsx` shows it. */

import { Signal } from "@parley/client";

export interface Toast {
  readonly id: number;
  readonly text: string;
  /** An error stays until it is dismissed. */
  readonly tone: "info" | "error";
  readonly action: ToastAction | null;
}

export interface ToastAction {
  readonly label: string;
  readonly run: () => void;
}

/** Long enough to read two lines and to reach the button. */
export const TOAST_MS = 8_000;
const MOST_AT_ONCE = 3;

export class Toasts {
  readonly changes = new Signal<null>();
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #shown: readonly Toast[] = [];
  #last = 0;

  get shown(): readonly Toast[] {
    return this.#shown;
  }

  /** Returns the id to dismiss it by. */
  show(text: string, action: ToastAction | null = null): number {
    return this.#add({ text, action, tone: "info" });
  }

  error(text: string): number {
    return this.#add({ text, action: null, tone: "error" });
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#set(this.#shown.filter((toast) => toast.id !== id));
  }

  /** While somebody reads or aims at one, none goes away. */
  hold(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  release(): void {
    for (const id of this.#timers.keys()) this.#dismissLater(id);
  }

  #add(given: Omit<Toast, "id">): number {
    const id = ++this.#last;
    // The same words twice say nothing more.
    const others = this.#shown.filter(({ text }) => text !== given.text);
    for (const gone of others.slice(0, -MOST_AT_ONCE + 1)) this.dismiss(gone.id);
    this.#set([...others.slice(-MOST_AT_ONCE + 1), { id, ...given }]);
    if (given.tone === "info") this.#dismissLater(id);
    return id;
  }

  #dismissLater(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), TOAST_MS),
    );
  }

  #set(shown: readonly Toast[]): void {
    this.#shown = shown;
    this.changes.emit(null);
  }
}

/** Those of this page. */
export const toasts = new Toasts();
