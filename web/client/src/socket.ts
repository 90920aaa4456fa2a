/** The part of a Socket.IO client that the connection uses, and the only place that makes a real one. */

import { io } from "socket.io-client";

export interface SocketLike {
  readonly connected: boolean;
  /** False after the server refused the handshake or sent a disconnect: a stock client stops there. */
  readonly active: boolean;
  connect(): void;
  disconnect(): void;
  on(event: string, listener: (...args: unknown[]) => void): void;
  off(event: string, listener: (...args: unknown[]) => void): void;
  emit(event: string, ...args: unknown[]): void;
}

// Shorter than the 20 s of the library: a dead address should give way to the next attempt.
const HANDSHAKE_MS = 10_000;

/** A socket to the server at `url`, or to the one that served the page. Reconnecting is the connection's work, not the
 * library's. */
export function openSocket(token: string | null, url?: string): SocketLike {
  const options = {
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    timeout: HANDSHAKE_MS,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    auth: token === null ? {} : { token },
  };
  const socket = url === undefined ? io(options) : io(url, options);
  return {
    get connected() {
      return socket.connected;
    },
    get active() {
      return socket.active;
    },
    connect: () => void socket.connect(),
    disconnect: () => void socket.disconnect(),
    on: (event, listener) => void socket.on(event, listener),
    off: (event, listener) => void socket.off(event, listener),
    emit: (event, ...args) => void socket.emit(event, ...args),
  };
}
