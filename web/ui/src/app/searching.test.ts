import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SearchResult } from "@parley/client";
import { REST_MS, Searching } from "./searching";
import type { SearchPage, SearchQuery } from "./searching";

interface Asked {
  readonly text: string;
  readonly cursor: string | null;
  readonly signal: AbortSignal;
  readonly resolve: (page: SearchPage) => void;
  readonly reject: (error: Error) => void;
}

const NO_FILTERS = { projectId: null, state: null, role: null, days: null };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function started(): { searching: Searching; asked: Asked[]; type: (text: string) => void } {
  const asked: Asked[] = [];
  const searching = new Searching(({ text }: SearchQuery, cursor, signal) => {
    return new Promise((resolve, reject) => asked.push({ text, cursor, signal, resolve, reject }));
  });
  return { searching, asked, type: (text) => searching.set({ text, ...NO_FILTERS }) };
}

function page(id: string, cursor: string | null = null): SearchPage {
  return { results: [{ messageId: id } as SearchResult], hasMore: cursor !== null, cursor };
}

function found(searching: Searching): readonly (string | null)[] {
  return searching.view.results.map(({ messageId }) => messageId);
}

test("it asks when typing rests, once", async () => {
  const { searching, asked, type } = started();
  for (const text of ["b", "bi", "bir"]) type(text);
  expect(asked).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect(asked.map(({ text }) => text)).toEqual(["bir"]);
  expect(searching.view.busy).toBe(true);
});

test("the request before is given up, and its answer does not count, however late", async () => {
  const { searching, asked, type } = started();
  type("old");
  await vi.advanceTimersByTimeAsync(REST_MS);
  type("new");
  expect(asked[0]?.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(REST_MS);
  asked[1]?.resolve(page("new"));
  await vi.advanceTimersByTimeAsync(0);
  asked[0]?.resolve(page("old"));
  await vi.advanceTimersByTimeAsync(0);
  expect(found(searching)).toEqual(["new"]);
  expect(searching.view).toMatchObject({ busy: false, answered: "new", error: null });
});

test("more results are put behind, and asked for once", async () => {
  const { searching, asked, type } = started();
  type("x");
  await vi.advanceTimersByTimeAsync(REST_MS);
  asked[0]?.resolve(page("1", "next"));
  await vi.advanceTimersByTimeAsync(0);
  searching.more();
  searching.more();
  expect(asked.map(({ cursor }) => cursor)).toEqual([null, "next"]);
  asked[1]?.resolve(page("2"));
  await vi.advanceTimersByTimeAsync(0);
  expect(found(searching)).toEqual(["1", "2"]);
  searching.more();
  expect(asked).toHaveLength(2);
});

test("a refusal is shown in place of results", async () => {
  const { searching, asked, type } = started();
  type("x");
  await vi.advanceTimersByTimeAsync(REST_MS);
  asked[0]?.reject(new Error("Say what to look for"));
  await vi.advanceTimersByTimeAsync(0);
  expect(searching.view).toMatchObject({ error: "Say what to look for", results: [], busy: false });
});

test("nothing is asked for nothing, and closing leaves no timer behind", async () => {
  const { searching, asked, type } = started();
  type("x");
  type("  ");
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect(asked).toHaveLength(0);
  type("y");
  searching.close();
  expect(vi.getTimerCount()).toBe(0);
});
