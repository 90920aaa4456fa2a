/** Says whether the page is in touch with the server, and why not where the server gave a reason. */

import type { Hub } from "@parley/client";
import { useConnectionState } from "./hooks";
import { CONNECTION_WORDS } from "../i18n/words";

export function ConnectionBadge({ hub }: { hub: Hub }) {
  const state = useConnectionState(hub);
  return (
    <span className="connection" role="status" data-testid="connection-state" data-state={state}>
      {CONNECTION_WORDS[state]}
    </span>
  );
}

/** Shown while the server does not want this client, which only the user can change. */
export function Refusal({ hub }: { hub: Hub }) {
  if (useConnectionState(hub) !== "refused") return null;
  return (
    <div className="notice-bar" role="alert">
      <span>{hub.connection.refusal}</span>
      <button type="button" onClick={() => hub.connection.reopen()}>
        Try again
      </button>
    </div>
  );
}
