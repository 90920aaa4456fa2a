/** What a program gets from `@parley/client`. Everything that is not named here may change. */

export { isUnseen } from "./bodies.ts";
export { followBrowser } from "./browser.ts";
export { Connection } from "./connection.ts";
export type { ConnectionState } from "./connection.ts";
export { CallError, messageOf } from "./errors.ts";
export { SessionFeed } from "./feed.ts";
export type { FeedMode, FeedPhase, FeedView } from "./feed.ts";
export { Hub, connect } from "./hub.ts";
export type { ConnectOptions, HubOptions } from "./hub.ts";
export { newId } from "./ids.ts";
export type { OutboxEntry, OutboxState, Receipt, Sending } from "./lane.ts";
export { SessionList } from "./lists.ts";
export type { Sessions } from "./lists.ts";
export type { Store } from "./outbox.ts";
export { callsOf, parseObject, resultOf, withArguments } from "./payloads.ts";
export type { Presence } from "./presence.ts";
export { Rest } from "./rest.ts";
export type { AnswerOf, Given, NewSession, PathOf } from "./rest.ts";
export { LiveSession } from "./session.ts";
export type { SessionOptions, SessionView } from "./session.ts";
export { Signal } from "./signal.ts";
export type { Unsubscribe } from "./signal.ts";
export { openSocket } from "./socket.ts";
export type { SocketLike } from "./socket.ts";
export type * from "./wire.ts";
