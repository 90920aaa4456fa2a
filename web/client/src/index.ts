/** What a program gets from `@parley/client`. Everything that is not named here may change. */

export { isUnseen } from "./bodies.ts";
export { Connection } from "./connection.ts";
export type { ConnectionState } from "./connection.ts";
export { CallError, messageOf } from "./errors.ts";
export { SessionFeed } from "./feed.ts";
export type { FeedPhase, FeedView } from "./feed.ts";
export { Hub } from "./hub.ts";
export { newId } from "./ids.ts";
export { SessionList } from "./lists.ts";
export type { Sessions } from "./lists.ts";
export { callsOf, parseObject, resultOf, withArguments } from "./payloads.ts";
export { Rest } from "./rest.ts";
export { Signal } from "./signal.ts";
export type { Unsubscribe } from "./signal.ts";
export { openSocket } from "./socket.ts";
export type { SocketLike } from "./socket.ts";
export type * from "./wire.ts";
