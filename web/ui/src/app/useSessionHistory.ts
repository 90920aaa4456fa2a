/** The panel's list of sessions for as long as it is shown, kept up by what the server tells. */

import { useEffect, useState } from "react";
import type { HubClient } from "@parley/client";
import { useSignal } from "../lib/hooks";
import { SessionHistory } from "./sessionHistory";
import type { Criteria, HistoryView, ReadPage } from "./sessionHistory";

const AT_REST = "IDLE,COMPLETED,FAILED,CANCELLED";

interface ShownHistory {
  readonly view: HistoryView;
  readonly more: () => void;
  readonly retry: () => void;
}

/** `criteria` has to be the same object for as long as it says the same. */
export function useSessionHistory(hub: HubClient, criteria: Criteria): ShownHistory {
  const [history] = useState(() => new SessionHistory(reading(hub)));
  const view = useSignal(history.changes, () => history.view);
  useEffect(() => history.show(criteria), [history, criteria]);
  useEffect(() => {
    const stops = [
      hub.connection.on("session", ({ session, removed }) => {
        if (session) history.upsert(session);
        if (removed) history.remove(removed);
      }),
      hub.connection.opened.listen(() => history.reload()),
      hub.connection.silent.listen(() => history.reload()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [hub, history]);
  return { view, more: () => history.more(), retry: () => history.reload() };
}

function reading(hub: HubClient): ReadPage {
  return ({ q, sort, projectId, state, archived }, cursor, take) =>
    hub.rest.request("get", "/api/sessions", {
      query: { q, sort, take, projectId, cursor, state: state ?? AT_REST, archived: archived ? "true" : "false" },
    });
}
