/** Everything one signed-in client has of the server: the connection, REST, the lists, and sessions on request. */

import { Connection } from "./connection";
import { SessionFeed } from "./feed";
import { ALL_SESSIONS, RUNNING_SESSIONS, SessionList } from "./lists";
import { Rest } from "./rest";
import { Signal } from "./signal";
import type { SocketLike } from "./socket";

export class Hub {
  readonly connection: Connection;
  readonly rest: Rest;
  readonly all: SessionList;
  readonly running: SessionList;
  readonly unauthenticated = new Signal<null>();

  constructor(socket: SocketLike, rest: Rest) {
    this.connection = new Connection(socket);
    this.rest = rest;
    this.all = new SessionList(this.connection, ALL_SESSIONS);
    this.running = new SessionList(this.connection, RUNNING_SESSIONS);
    this.connection.unauthenticated.listen(() => this.unauthenticated.emit(null));
    rest.unauthenticated.listen(() => this.unauthenticated.emit(null));
  }

  /** A feed to be opened, and closed by whoever opened it. */
  session(sessionId: string): SessionFeed {
    return new SessionFeed(this.connection, sessionId, (id, ids) => this.rest.messagesById(id, ids));
  }
}
