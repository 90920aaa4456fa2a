/** Says whether the page is in touch with the server. */

import type { Hub } from "../protocol/hub";
import { useConnectionState } from "./hooks";
import { CONNECTION_WORDS } from "./words";

export function ConnectionBadge({ hub }: { hub: Hub }) {
  const state = useConnectionState(hub);
  return (
    <div className="connection" data-state={state}>
      {state === "refused" && (
        <>
          <span className="refusal">{hub.connection.refusal}</span>
          <button type="button" className="quiet" onClick={() => hub.connection.reopen()}>
            Try again
          </button>
        </>
      )}
      <span role="status" data-testid="connection-state" data-state={state}>
        {CONNECTION_WORDS[state]}
      </span>
    </div>
  );
}
