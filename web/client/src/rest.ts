/** The REST calls, typed by the server's own document; errors as CallError. Never caches and never retries. */

import { lost, toCallError } from "./errors.ts";
import type { paths } from "./generated/api.ts";
import { Signal } from "./signal.ts";
import { PAGE_SIZE } from "./tail.ts";
import type { ForkOptions, MergeOptions, Mode, Outgoing, PlanItem, UserStatePatch } from "./wire.ts";

export { PAGE_SIZE } from "./tail.ts";

/** Browsers refuse more than 64 KiB of bodies that outlive their page. */
const KEPT_ALIVE_CHARS = 10_000;
const ANSWER_MS = 15_000;
/** A slow line may take its time with a large body. */
const SLOWEST_BYTES_PER_MS = 50;

type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths that a method exists for. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { readonly responses: unknown } ? P : never;
}[keyof paths];

type Path<O> = O extends { readonly parameters: { readonly path: infer V } } ? V : undefined;

type Query<O> = O extends { readonly parameters: { readonly query?: infer V } } ? Partial<NonNullable<V>> : undefined;

type Body<O> = O extends { readonly requestBody?: infer R }
  ? NonNullable<R> extends { readonly content: { readonly "application/json": infer B } }
    ? B
    : undefined
  : undefined;

/** What a path takes: what its document names, and the version that a change is meant for. */
export interface Given<O> {
  readonly path?: Path<O>;
  readonly query?: Query<O>;
  readonly body?: Body<O>;
  readonly ifMatch?: number | undefined;
  /** Gives the request up, which then rejects as if the server could not be reached. */
  readonly signal?: AbortSignal;
  /** Goes out even when the page is left right now, if the body is small. */
  readonly keepalive?: boolean;
}

type Success<O> = O extends { readonly responses: infer R }
  ? {
      [S in keyof R]: R[S] extends { readonly content: { readonly "application/json": infer J } } ? J : never;
    }[keyof R]
  : never;

/** What a path answers. */
export type AnswerOf<M extends Method, P extends PathOf<M>> = Success<paths[P][M]>;

export type SearchQuery = NonNullable<Given<paths["/api/search"]["get"]>["query"]>;
export type SessionsQuery = NonNullable<Given<paths["/api/sessions"]["get"]>["query"]>;
export type ProjectSessionsQuery = NonNullable<Given<paths["/api/projects/{projectId}/sessions"]["get"]>["query"]>;

export interface NewSession {
  readonly projectId?: string;
  readonly title?: string;
  readonly model?: string;
}

interface RestRequest {
  readonly path?: Readonly<Record<string, string>> | undefined;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: unknown;
  readonly ifMatch?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly keepalive?: boolean | undefined;
}

export class Rest {
  readonly unauthenticated = new Signal<null>();
  readonly #token: string | null;
  readonly #base: string;

  /** `base` is the server's address; by default the one that served the page. */
  constructor(token: string | null, base = "") {
    this.#token = token;
    this.#base = base.replace(/\/$/, "");
  }

  /** Any path of the document. Rejects with a CallError. */
  request<M extends Method, P extends PathOf<M>>(
    method: M,
    path: P,
    given: Given<paths[P][M]> = {},
  ): Promise<AnswerOf<M, P>> {
    return this.#send(method, path, given) as Promise<AnswerOf<M, P>>;
  }

  /** Who this client is to the server; rejects with `unauthenticated` when a token is wanted. */
  me() {
    return this.request("get", "/api/me");
  }

  userState() {
    return this.request("get", "/api/me/state");
  }

  /** Changes the user's state if it is still of this version; else rejects with `version_mismatch`, whose
   * `details.state` is the newer one. */
  patchUserState(patch: UserStatePatch, version: number) {
    return this.request("patch", "/api/me/state", { body: patch, ifMatch: version, keepalive: true });
  }

  /** Back to the defaults. */
  resetUserState() {
    return this.request("delete", "/api/me/state");
  }

  models() {
    return this.request("get", "/api/models");
  }

  tools() {
    return this.request("get", "/api/tools");
  }

  workflows() {
    return this.request("get", "/api/workflows");
  }

  executeWorkflow(name: string, sessionId: string, input: Readonly<Record<string, unknown>> = {}) {
    return this.request("post", "/api/workflows/{name}/execute", { path: { name }, body: { sessionId, input } });
  }

  projects() {
    return this.request("get", "/api/projects");
  }

  createProject(name: string) {
    return this.request("post", "/api/projects", { body: { name } });
  }

  /** Full text over titles and messages. */
  search(query: SearchQuery) {
    return this.request("get", "/api/search", { query });
  }

  /** The sessions of all projects, or of one, filtered and sorted by the server; `cursor` asks for the next page. */
  sessions(query: SessionsQuery = {}) {
    return this.request("get", "/api/sessions", { query });
  }

  projectSessions(projectId: string, query: ProjectSessionsQuery = {}) {
    return this.request("get", "/api/projects/{projectId}/sessions", { path: { projectId }, query });
  }

  createSession(given: NewSession) {
    return this.request("post", "/api/sessions", { body: given });
  }

  session(sessionId: string) {
    return this.request("get", "/api/sessions/{sessionId}", { path: { sessionId } });
  }

  /** The context with its newest 50 messages. */
  snapshot(sessionId: string) {
    return this.request("get", "/api/contexts/{sessionId}", { path: { sessionId } });
  }

  /** Like every edit below, with `ifMatch` only if the session still is of that version; else `version_mismatch`. */
  renameSession(sessionId: string, title: string, ifMatch?: number) {
    return this.request("patch", "/api/sessions/{sessionId}", { path: { sessionId }, body: { title }, ifMatch });
  }

  deleteSession(sessionId: string, ifMatch?: number) {
    return this.request("delete", "/api/sessions/{sessionId}", { path: { sessionId }, ifMatch });
  }

  restoreSession(sessionId: string, ifMatch?: number) {
    return this.request("post", "/api/sessions/{sessionId}/restore", { path: { sessionId }, ifMatch });
  }

  setCurrentSession(projectId: string, sessionId: string) {
    const path = { projectId };
    return this.request("put", "/api/projects/{projectId}/current-session", { path, body: { sessionId } });
  }

  /** The page of the active branch that ends just before `position`, oldest first. */
  messagesBefore(sessionId: string, position: number) {
    const query = { before: position, take: PAGE_SIZE };
    return this.request("get", "/api/sessions/{sessionId}/messages", { path: { sessionId }, query });
  }

  /** The page of a branch that begins just after `position`, oldest first. */
  messagesAfter(sessionId: string, position: number, branch: string) {
    const query = { after: position, take: PAGE_SIZE, branch };
    return this.request("get", "/api/sessions/{sessionId}/messages", { path: { sessionId }, query });
  }

  /** Whole messages, whatever their size; at most 200 at a time. */
  messagesById(sessionId: string, ids: readonly string[]) {
    const query = { ids: ids.join(",") };
    return this.request("get", "/api/contexts/{sessionId}/messages", { path: { sessionId }, query });
  }

  /** What happened after a position. */
  events(sessionId: string, after: number) {
    return this.request("get", "/api/sessions/{sessionId}/events", { path: { sessionId }, query: { after } });
  }

  /** Every approval of the session, those that were answered long ago too. */
  approvals(sessionId: string) {
    return this.request("get", "/api/sessions/{sessionId}/approvals", { path: { sessionId } });
  }

  /** Every branch in full: long system prompts, pins and plans. */
  branches(sessionId: string) {
    return this.request("get", "/api/sessions/{sessionId}/branches", { path: { sessionId } });
  }

  runs(sessionId: string) {
    return this.request("get", "/api/sessions/{sessionId}/runs", { path: { sessionId } });
  }

  /** The system prompt as it would be sent now, part by part. */
  prompt(sessionId: string) {
    return this.request("get", "/api/contexts/{sessionId}/prompt", { path: { sessionId } });
  }

  /** What the socket's call does, for messages that are too large for it: up to 12 MB. */
  sendMessage(sessionId: string, message: Outgoing) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/send_message", { path, body: message });
  }

  setMode(sessionId: string, mode: Mode, ifMatch?: number) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/set_mode", { path, body: { mode }, ifMatch });
  }

  setModel(sessionId: string, model: string, ifMatch?: number) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/set_model", { path, body: { model }, ifMatch });
  }

  /** Runs again for the last message, after an error. */
  retry(sessionId: string, ifMatch?: number) {
    return this.request("post", "/api/contexts/{sessionId}/actions/retry", { path: { sessionId }, ifMatch });
  }

  /** Puts a session away; `unarchive` takes it up again. */
  archive(sessionId: string, ifMatch?: number) {
    return this.request("post", "/api/contexts/{sessionId}/actions/archive", { path: { sessionId }, ifMatch });
  }

  unarchive(sessionId: string, ifMatch?: number) {
    return this.request("post", "/api/contexts/{sessionId}/actions/restore", { path: { sessionId }, ifMatch });
  }

  /** The tool is asked for again from now on. */
  revokeGrant(sessionId: string, tool: string, ifMatch?: number) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/revoke_grant", { path, body: { tool }, ifMatch });
  }

  fork(sessionId: string, options: ForkOptions) {
    return this.request("post", "/api/contexts/{sessionId}/actions/fork", { path: { sessionId }, body: options });
  }

  switchBranch(sessionId: string, name: string, ifMatch?: number) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/switch_branch", { path, body: { name }, ifMatch });
  }

  /** With `preview` it only says what a merge would do. */
  merge(sessionId: string, options: MergeOptions, preview = false) {
    const body = { ...options, preview };
    return this.request("post", "/api/contexts/{sessionId}/actions/merge", { path: { sessionId }, body });
  }

  setBranchPrompt(sessionId: string, branch: string, systemPrompt: string | null, ifMatch?: number) {
    const given = { path: { sessionId }, body: { branch, systemPrompt }, ifMatch };
    return this.request("post", "/api/contexts/{sessionId}/actions/set_branch_prompt", given);
  }

  pin(sessionId: string, what: { readonly messageId: string } | { readonly text: string }, ifMatch?: number) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/pin", { path, body: what, ifMatch });
  }

  unpin(sessionId: string, pinId: string, ifMatch?: number) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/unpin", { path, body: { pinId }, ifMatch });
  }

  setPlan(sessionId: string, items: readonly PlanItem[], ifMatch?: number) {
    const path = { sessionId };
    return this.request("post", "/api/contexts/{sessionId}/actions/set_plan", { path, body: { items }, ifMatch });
  }

  async #send(method: Method, path: string, given: RestRequest): Promise<unknown> {
    const response = await this.#fetch(method, filled(path, given), given);
    const answer: unknown = await response.json().catch(() => null);
    if (response.status === 401) this.unauthenticated.emit(null);
    if (!response.ok) throw toCallError(answer, `The server answered ${response.status}`);
    return answer;
  }

  async #fetch(method: Method, path: string, { body, ifMatch, signal, ...rest }: RestRequest): Promise<Response> {
    const headers = new Headers();
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    if (ifMatch !== undefined) headers.set("If-Match", `"v${ifMatch}"`);
    const text = body === undefined ? null : JSON.stringify(body);
    const late = AbortSignal.timeout(ANSWER_MS + Math.ceil((text?.length ?? 0) / SLOWEST_BYTES_PER_MS));
    const until = signal === undefined ? late : AbortSignal.any([signal, late]);
    const keepalive = rest.keepalive === true && (text?.length ?? 0) < KEPT_ALIVE_CHARS;
    const sent = { method: method.toUpperCase(), headers, body: text, signal: until, keepalive };
    try {
      return await fetch(this.#base + path, sent);
    } catch {
      throw lost("connection_lost", "The server cannot be reached");
    }
  }
}

/** The path with its parameters and the query; what is undefined is left out. */
function filled(path: string, { path: names = {}, query = {} }: RestRequest): string {
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ""));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length === 0 ? at : `${at}?${search.toString()}`;
}
