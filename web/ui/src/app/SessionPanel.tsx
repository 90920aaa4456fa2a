/** The list of sessions: those at work, kept live, then the rest, newest first. */

import { useState } from "react";
import type { Hub } from "@parley/client";
import type { Sessions } from "@parley/client";
import type { Session } from "@parley/client";
import { useSessions } from "./hooks";
import { SessionRow } from "./SessionRow";

// A list that is drawn in full stays quick up to a few hundred rows.
const SHOWN_AT_FIRST = 100;

interface Props {
  readonly hub: Hub;
  readonly selected: string | null;
  readonly onNew: () => void;
  readonly onSelect: (session: Session) => void;
  readonly onRename: (sessionId: string, title: string) => void;
}

export function SessionPanel({ hub, onNew, ...rows }: Props) {
  const running = newestFirst(useSessions(hub.running));
  const history = newestFirst(useSessions(hub.all)).filter(({ state }) => state !== "RUNNING");
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  return (
    <nav id="session-panel" className="session-panel" aria-label="Sessions" data-testid="session-panel">
      <button type="button" className="new-session" onClick={onNew} data-testid="new-session">
        + New session
      </button>
      <h2>Running ({running.length})</h2>
      <SessionRows testId="running-list" sessions={running} {...rows} />
      <h2>History</h2>
      <SessionRows testId="history-list" sessions={history.slice(0, limit)} {...rows} />
      {history.length > limit && (
        <button type="button" className="quiet" onClick={() => setLimit(limit + SHOWN_AT_FIRST)}>
          Show more
        </button>
      )}
    </nav>
  );
}

interface RowsProps extends Omit<Props, "hub" | "onNew"> {
  readonly testId: string;
  readonly sessions: readonly Session[];
}

function SessionRows({ testId, sessions, selected, onSelect, onRename }: RowsProps) {
  return (
    <ul data-testid={testId}>
      {sessions.map((session) => (
        <SessionRow
          key={session.id}
          session={session}
          selected={session.id === selected}
          onSelect={onSelect}
          onRename={onRename}
        />
      ))}
    </ul>
  );
}

function newestFirst(sessions: Sessions): readonly Session[] {
  return [...sessions.values()].sort((a, b) => (a.updatedAtUtc < b.updatedAtUtc ? 1 : -1));
}
