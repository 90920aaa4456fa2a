/** The one error a caller meets, whether the server refused or never answered. Never shows anything itself. */

import type { WireError } from "./wire.ts";

export class CallError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(error: WireError) {
    super(error.message);
    this.name = "CallError";
    this.code = error.code;
    this.retryable = error.retryable;
    this.details = error.details;
  }
}

/** An error of this side: nothing is known about what the server did, so the same call may be made again. */
export function lost(code: "not_connected" | "no_answer" | "connection_lost", message: string): CallError {
  return new CallError({ code, message, retryable: true, details: {} });
}

/** Makes the contract's error of whatever a server, or something in front of it, sent. */
export function toCallError(value: unknown, fallback: string): CallError {
  const given = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return new CallError({
    code: typeof given["code"] === "string" ? given["code"] : "internal_error",
    message: textOf(given["message"]) ?? textOf(given["error"]) ?? fallback,
    retryable: given["retryable"] === true,
    details: (given["details"] ?? {}) as Record<string, unknown>,
  });
}

/** Whether a change was meant for a version that is over. */
export function isOutdated(error: unknown): boolean {
  return error instanceof CallError && error.code === "version_mismatch";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
