/** Everything one signed-in client has of the server: the connection, REST, the lists, and sessions on request. */

import { Connection } from "./connection.ts";
import { SessionFeed } from "./feed.ts";
import { ALL_SESSIONS, RUNNING_SESSIONS, SessionList } from "./lists.ts";
import { Rest } from "./rest.ts";
import { Signal } from "./signal.ts";
import type { SocketLike } from "./socket.ts";
import type { ModelInfo } from "./wire.ts";

export class Hub {
  readonly connection: Connection;
  readonly rest: Rest;
  readonly all: SessionList;
  readonly running: SessionList;
  readonly unauthenticated = new Signal<null>();
  #userId: string | null = null;
  #models: Promise<readonly ModelInfo[]> | null = null;

  constructor(socket: SocketLike, rest: Rest) {
    this.connection = new Connection(socket);
    this.rest = rest;
    this.all = new SessionList(this.connection, ALL_SESSIONS);
    this.running = new SessionList(this.connection, RUNNING_SESSIONS);
    this.connection.unauthenticated.listen(() => this.unauthenticated.emit(null));
    rest.unauthenticated.listen(() => this.unauthenticated.emit(null));
  }

  /** Who this client is to the server; null until `identify` was answered. */
  get userId(): string | null {
    return this.#userId;
  }

  /** Rejects with `unauthenticated` when a token is wanted. */
  async identify(): Promise<void> {
    this.#userId = (await this.rest.me()).userId;
  }

  /** The models to choose from, asked for once; after a failure again with the next call. */
  models(): Promise<readonly ModelInfo[]> {
    this.#models ??= this.rest.models().then(
      ({ models }) => models,
      (error: unknown) => {
        this.#models = null;
        throw error;
      },
    );
    return this.#models;
  }

  /** A feed to be opened, and closed by whoever opened it. */
  session(sessionId: string): SessionFeed {
    return new SessionFeed(this.connection, sessionId, (id, ids) => this.rest.messagesById(id, ids));
  }
}
