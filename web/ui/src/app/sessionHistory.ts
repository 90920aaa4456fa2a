/** The sessions of the panel: sorted and filtered by the server, page after page, with live changes merged in.
 * Never draws. */

import { messageOf, Signal } from "@parley/client";
import type { Session, SessionsPage } from "@parley/client";

export interface Criteria {
  /** Part of the title. */
  readonly q: string;
  readonly sort: "updated" | "created" | "title";
  readonly projectId: string | null;
  readonly state: Session["state"] | null;
  readonly archived: boolean;
}

export interface HistoryView {
  readonly sessions: readonly Session[];
  readonly hasMore: boolean;
  readonly busy: boolean;
  readonly error: string | null;
}

export type ReadPage = (criteria: Criteria, cursor: string | null, take: number) => Promise<SessionsPage>;

export const ALL: Criteria = { q: "", sort: "updated", projectId: null, state: null, archived: false };
export const PAGE = 50;
/** As many as the server gives at once; what was read beyond is read again when it is scrolled to. */
const MOST_AGAIN = 200;
const NOTHING_YET: HistoryView = { sessions: [], hasMore: false, busy: true, error: null };

export class SessionHistory {
  readonly changes = new Signal<null>();
  readonly #read: ReadPage;
  #criteria = ALL;
  #cursor: string | null = null;
  #view = NOTHING_YET;
  /** Counts the readings. An answer to any but the latest is of no interest. */
  #reading = 0;
  /** What was told while a page was on its way, which may be older than that. */
  #meanwhile: Change[] = [];

  constructor(read: ReadPage) {
    this.#read = read;
  }

  get view(): HistoryView {
    return this.#view;
  }

  get criteria(): Criteria {
    return this.#criteria;
  }

  /** Reads the first page for them; what is shown stays until it is there. */
  show(criteria: Criteria): void {
    this.#criteria = criteria;
    void this.#load(null, PAGE);
  }

  more(): void {
    if (this.#view.hasMore && !this.#view.busy) void this.#load(this.#cursor, PAGE);
  }

  /** After a time without news: reads again what is shown. */
  reload(): void {
    const shown = Math.ceil(this.#view.sessions.length / PAGE) * PAGE;
    void this.#load(null, Math.min(Math.max(shown, PAGE), MOST_AGAIN));
  }

  /** A session as it is now. */
  upsert(session: Session): void {
    this.#tell({ id: session.id, session });
  }

  remove(id: string): void {
    this.#tell({ id, session: null });
  }

  #tell(change: Change): void {
    if (this.#view.busy) this.#meanwhile.push(change);
    this.#show({ sessions: this.#applied(this.#view.sessions, change) });
  }

  async #load(cursor: string | null, take: number): Promise<void> {
    const reading = ++this.#reading;
    this.#meanwhile = [];
    this.#show({ busy: true });
    try {
      const page = await this.#read(this.#criteria, cursor, take);
      if (reading !== this.#reading) return;
      this.#cursor = page.cursor ?? null;
      const before = cursor === null ? [] : this.#view.sessions;
      const known = new Set(before.map(({ id }) => id));
      const sessions = [...before, ...page.sessions.filter(({ id }) => !known.has(id))];
      this.#view = { sessions, hasMore: page.hasMore, busy: false, error: null };
      this.#show({
        sessions: this.#meanwhile.reduce((all, change) => this.#applied(all, change), this.#view.sessions),
      });
    } catch (error) {
      if (reading === this.#reading) this.#show({ busy: false, error: messageOf(error) });
    }
  }

  /** Sorted in where it belongs; beyond the last row that was read, the page that holds it comes later. */
  #applied(sessions: readonly Session[], { id, session }: Change): readonly Session[] {
    const others = sessions.filter((other) => other.id !== id);
    if (session === null || !meets(session, this.#criteria))
      return others.length === sessions.length ? sessions : others;
    const at = others.findIndex((other) => comesBefore(session, other, this.#criteria.sort));
    if (at !== -1) return others.toSpliced(at, 0, session);
    return this.#view.hasMore && others.length === sessions.length ? sessions : [...others, session];
  }

  #show(changed: Partial<HistoryView>): void {
    this.#view = { ...this.#view, ...changed };
    this.changes.emit(null);
  }
}

interface Change {
  readonly id: string;
  /** null: it is gone. */
  readonly session: Session | null;
}

export function meets(session: Session, { q, projectId, state, archived }: Criteria): boolean {
  if (session.archived !== archived) return false;
  if (projectId !== null && session.projectId !== projectId) return false;
  // What runs has a list of its own.
  if (state === null ? session.state === "RUNNING" : session.state !== state) return false;
  return session.title.toLowerCase().includes(q.toLowerCase());
}

function comesBefore(a: Session, b: Session, sort: Criteria["sort"]): boolean {
  switch (sort) {
    case "updated":
      return a.updatedAtUtc >= b.updatedAtUtc;
    case "created":
      return a.createdAtUtc >= b.createdAtUtc;
    case "title":
      return a.title.toLowerCase() <= b.title.toLowerCase();
  }
}
