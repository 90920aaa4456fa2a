/** A search while it is being typed: asks when typing rests, and only the answer to the last question counts. */

import { messageOf, Signal } from "@parley/client";
import type { SearchResult } from "@parley/client";

export interface SearchQuery {
  readonly text: string;
  readonly projectId: string | null;
  readonly state: string | null;
  readonly role: string | null;
  /** Not older than so many days. */
  readonly days: number | null;
}

export interface SearchPage {
  readonly results: readonly SearchResult[];
  readonly hasMore: boolean;
  readonly cursor: string | null;
}

export interface SearchView {
  readonly results: readonly SearchResult[];
  readonly hasMore: boolean;
  /** Something is on its way. What is shown meanwhile is the last answer. */
  readonly busy: boolean;
  readonly error: string | null;
  /** The text that the results are for; null before the first answer. */
  readonly answered: string | null;
}

export type Ask = (query: SearchQuery, cursor: string | null, signal: AbortSignal) => Promise<SearchPage>;

/** Between two keys of somebody who types slowly. */
export const REST_MS = 160;

const NOTHING: SearchView = { results: [], hasMore: false, busy: false, error: null, answered: null };

export class Searching {
  readonly changes = new Signal<null>();
  readonly #ask: Ask;
  #view = NOTHING;
  #query: SearchQuery | null = null;
  #cursor: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = new AbortController();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  get view(): SearchView {
    return this.#view;
  }

  /** Nothing is asked for an empty text. */
  set(query: SearchQuery): void {
    this.close();
    this.#query = query;
    if (query.text.trim() === "") return this.#show(NOTHING);
    this.#show({ ...this.#view, busy: true });
    this.#timer = setTimeout(() => void this.#run(query, null), REST_MS);
  }

  more(): void {
    if (this.#query === null || !this.#view.hasMore || this.#view.busy) return;
    this.#show({ ...this.#view, busy: true });
    void this.#run(this.#query, this.#cursor);
  }

  /** Whatever is on its way comes to nothing. */
  close(): void {
    clearTimeout(this.#timer);
    this.#asking.abort();
  }

  async #run(query: SearchQuery, cursor: string | null): Promise<void> {
    const asking = (this.#asking = new AbortController());
    try {
      const page = await this.#ask(query, cursor, asking.signal);
      if (asking.signal.aborted) return;
      const before = cursor === null ? [] : this.#view.results;
      this.#cursor = page.cursor;
      const results = [...before, ...page.results];
      this.#show({ results, hasMore: page.hasMore, busy: false, error: null, answered: query.text });
    } catch (error) {
      if (!asking.signal.aborted) this.#show({ ...NOTHING, error: messageOf(error), answered: query.text });
    }
  }

  #show(view: SearchView): void {
    this.#view = view;
    this.changes.emit(null);
  }
}
