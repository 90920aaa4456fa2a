import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Rest } from "./rest.ts";

const fetched = vi.fn<typeof fetch>();
const answer = (body: unknown, status = 200) => fetched.mockResolvedValueOnce(Response.json(body, { status }));
const asked = () => fetched.mock.lastCall ?? [];
const url = () => asked()[0];
const header = (name: string) => new Headers(asked()[1]?.headers).get(name);

beforeEach(() => {
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => void vi.unstubAllGlobals());

test("paths, queries and bodies go where the document has them", async () => {
  const rest = new Rest("secret", "http://hub.example/");
  answer({ sessions: [] });
  await rest.sessions({ q: "a b&c", take: 5 });
  expect(url()).toBe("http://hub.example/api/sessions?q=a+b%26c&take=5");
  expect([header("Authorization"), header("Content-Type")]).toEqual(["Bearer secret", null]);
  answer({});
  await rest.renameSession("a/b", "New");
  expect(url()).toBe("http://hub.example/api/sessions/a%2Fb");
  expect(asked()[1]).toMatchObject({ method: "PATCH", body: '{"title":"New"}' });
  expect(header("If-Match")).toBeNull();
  answer({});
  await rest.setMode("s", "plan", 2);
  expect([header("If-Match"), asked()[1]?.body]).toEqual(['"v2"', '{"mode":"plan"}']);
  answer({});
  await rest.patchUserState({ tabs: { a: null } }, 3);
  expect([header("If-Match"), asked()[1]?.body]).toEqual(['"v3"', '{"tabs":{"a":null}}']);
  expect(asked()[1]?.keepalive).toBe(true);
  answer({});
  await rest.patchUserState({ ui: { note: "x".repeat(20_000) } }, 4);
  expect(asked()[1]?.keepalive).toBe(false);
});

test("what is left out of a query is not asked for", async () => {
  answer({});
  await new Rest(null).request("get", "/api/sessions/{sessionId}/messages", {
    path: { sessionId: "s" },
    query: { after: 0, before: null },
  });
  expect([url(), header("Authorization")]).toEqual(["/api/sessions/s/messages?after=0", null]);
});

test("a refusal is a CallError with its code and details", async () => {
  answer({ error: "Outdated", code: "version_mismatch", retryable: false, details: { currentVersion: 4 } }, 412);
  const refused = { name: "CallError", message: "Outdated", code: "version_mismatch", details: { currentVersion: 4 } };
  await expect(new Rest(null).userState()).rejects.toMatchObject(refused);
});

test("what is no answer of ours is an error that says the status", async () => {
  fetched.mockResolvedValueOnce(new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await expect(new Rest(null).models()).rejects.toMatchObject({ message: "The server answered 502" });
});

test("no answer at all is retryable", async () => {
  fetched.mockRejectedValueOnce(new TypeError("fetch failed"));
  await expect(new Rest(null).models()).rejects.toMatchObject({ code: "connection_lost", retryable: true });
});

test("a token that is wanted is told to who listens", async () => {
  const rest = new Rest(null);
  const told = vi.fn();
  rest.unauthenticated.listen(told);
  answer({ error: "Who are you?", code: "unauthenticated", retryable: false, details: {} }, 401);
  await expect(rest.me()).rejects.toMatchObject({ code: "unauthenticated" });
  expect(told).toHaveBeenCalledOnce();
});
