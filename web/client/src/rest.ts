/** The REST calls of the page: one function per endpoint, errors as CallError. Never caches and never retries. */

import { lost, toCallError } from "./errors.ts";
import { Signal } from "./signal.ts";
import type { ApprovalList, Json, Me, MessageBatch, MessagesPage, Mode, ModelList, Session } from "./wire.ts";

const ANSWER_MS = 15_000;
/** How many messages one page of history brings. */
export const PAGE_SIZE = 50;

export interface NewSession {
  readonly projectId?: string;
  readonly title?: string;
}

export class Rest {
  readonly unauthenticated = new Signal<null>();
  readonly #token: string | null;

  constructor(token: string | null) {
    this.#token = token;
  }

  /** Who this client is to the server; rejects with `unauthenticated` when a token is wanted. */
  me(): Promise<Me> {
    return this.#request("GET", "/me");
  }

  createSession(given: NewSession): Promise<Session> {
    return this.#request("POST", "/sessions", given);
  }

  renameSession(sessionId: string, title: string): Promise<Session> {
    return this.#request("PATCH", `/sessions/${encodeURIComponent(sessionId)}`, { title });
  }

  deleteSession(sessionId: string): Promise<unknown> {
    return this.#request("DELETE", `/sessions/${encodeURIComponent(sessionId)}`);
  }

  restoreSession(sessionId: string): Promise<unknown> {
    return this.#request("POST", `/sessions/${encodeURIComponent(sessionId)}/restore`);
  }

  setCurrentSession(projectId: string, sessionId: string): Promise<unknown> {
    return this.#request("PUT", `/projects/${encodeURIComponent(projectId)}/current-session`, { sessionId });
  }

  /** The page of the active branch that ends just before `position`, oldest first. */
  messagesBefore(sessionId: string, position: number): Promise<MessagesPage> {
    return this.#request("GET", `/sessions/${encodeURIComponent(sessionId)}/messages?before=${position}&take=${PAGE_SIZE}`);
  }

  /** Whole messages, whatever their size; at most 200 at a time. */
  messagesById(sessionId: string, ids: readonly string[]): Promise<MessageBatch> {
    return this.#request("GET", `/contexts/${encodeURIComponent(sessionId)}/messages?ids=${ids.join(",")}`);
  }

  /** Every approval of the session, those that were answered long ago too. */
  approvals(sessionId: string): Promise<ApprovalList> {
    return this.#request("GET", `/sessions/${encodeURIComponent(sessionId)}/approvals`);
  }

  models(): Promise<ModelList> {
    return this.#request("GET", "/models");
  }

  setMode(sessionId: string, mode: Mode): Promise<unknown> {
    return this.#act(sessionId, "set_mode", { mode });
  }

  setModel(sessionId: string, model: string): Promise<unknown> {
    return this.#act(sessionId, "set_model", { model });
  }

  /** Runs again for the last message, after an error. */
  retry(sessionId: string): Promise<unknown> {
    return this.#act(sessionId, "retry", {});
  }

  /** The tool is asked for again from now on. */
  revokeGrant(sessionId: string, tool: string): Promise<unknown> {
    return this.#act(sessionId, "revoke_grant", { tool });
  }

  #act(sessionId: string, action: string, args: Json): Promise<unknown> {
    return this.#request("POST", `/contexts/${encodeURIComponent(sessionId)}/actions/${action}`, args);
  }

  async #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(method, path, body);
    const answer: unknown = await response.json().catch(() => null);
    if (response.status === 401) this.unauthenticated.emit(null);
    if (!response.ok) throw toCallError(answer, `The server answered ${response.status}`);
    return answer as T;
  }

  async #fetch(method: string, path: string, body: unknown): Promise<Response> {
    const headers = new Headers();
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(ANSWER_MS) };
    if (body !== undefined) init.body = JSON.stringify(body);
    try {
      return await fetch(`/api${path}`, init);
    } catch {
      throw lost("connection_lost", "The server cannot be reached");
    }
  }
}
