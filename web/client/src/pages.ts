/** Messages by position, in aligned pages of which the least used go first. Never loads anything. */

import { PAGE_SIZE } from "./tail.ts";
import type { Message } from "./wire.ts";

interface Page {
  /** Up to which event its messages are known to be as they are. */
  head: number;
  readonly messages: (Message | undefined)[];
}

/** The page, from 0, that holds a position. */
export function pageOf(position: number): number {
  return Math.floor((position - 1) / PAGE_SIZE);
}

export class Pages {
  readonly #most: number;
  /** In the order of their use, the last used last. */
  readonly #pages = new Map<number, Page>();
  readonly #positions = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#pages.size;
  }

  at(position: number): Message | undefined {
    return this.#pages.get(pageOf(position))?.messages[(position - 1) % PAGE_SIZE];
  }

  positionOf(messageId: string): number | undefined {
    return this.#positions.get(messageId);
  }

  /** Whether every position of a page up to `last` is there. */
  has(page: number, last: number): boolean {
    const messages = this.#pages.get(page)?.messages;
    if (messages === undefined) return false;
    const wanted = Math.min(PAGE_SIZE, last - page * PAGE_SIZE);
    for (let at = 0; at < wanted; at += 1) if (messages[at] === undefined) return false;
    return true;
  }

  /** Counts as a use. */
  touch(page: number): void {
    const known = this.#pages.get(page);
    if (known === undefined) return;
    this.#pages.delete(page);
    this.#pages.set(page, known);
  }

  /** Messages from a position on, as they were at `head`. Pages that `keeps` names are not evicted for them. */
  put(first: number, messages: readonly Message[], head: number, keeps: (page: number) => boolean): void {
    for (const [at, message] of messages.entries()) this.#set(first + at, message, head);
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= this.#most) return;
      if (!keeps(page)) this.#evict(page);
    }
  }

  /** A message as it is since the event `seq`; false when that is known already, or the message isn't here. */
  change(messageId: string, seq: number, change: (message: Message) => Message): boolean {
    const position = this.#positions.get(messageId) ?? 0;
    const page = this.#pages.get(pageOf(position));
    const before = this.at(position);
    if (page === undefined || before === undefined || seq <= page.head) return false;
    page.messages[(position - 1) % PAGE_SIZE] = change(before);
    return true;
  }

  /** Those that came without their body. */
  truncated(): readonly Message[] {
    const all = [...this.#pages.values()].flatMap(({ messages }) => messages);
    return all.filter((message) => message?.truncated === true) as Message[];
  }

  clear(): void {
    this.#pages.clear();
    this.#positions.clear();
  }

  #set(position: number, message: Message, head: number): void {
    const page = this.#pages.get(pageOf(position)) ?? { head, messages: [] };
    page.head = head;
    page.messages[(position - 1) % PAGE_SIZE] = message;
    this.#pages.set(pageOf(position), page);
    this.#positions.set(message.id, position);
  }

  #evict(page: number): void {
    for (const message of this.#pages.get(page)?.messages ?? []) {
      if (message !== undefined) this.#positions.delete(message.id);
    }
    this.#pages.delete(page);
  }
}
