/** Says whether the page is in touch with the server: a small badge always, a banner when it lasts. */

import { useEffect, useState } from "react";
import type { HubClient } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { useConnectionState, useLasting } from "../lib/hooks";

/** Shorter interruptions heal before anybody could do something about them. */
const BANNER_AFTER_MS = 1_500;

export function ConnectionBadge({ hub }: { hub: HubClient }) {
  const texts = useTexts().app.connection.states;
  const state = useConnectionState(hub);
  return (
    <span className="connection" role="status" data-testid="connection-state" data-state={state} title={texts[state]}>
      <span className="connection-word">{texts[state]}</span>
    </span>
  );
}

/** Lies over what is below it, so that nothing moves when it comes and goes. */
export function ConnectionBanner({ hub }: { hub: HubClient }) {
  const texts = useTexts().app.connection;
  const state = useConnectionState(hub);
  const draining = useDraining(hub);
  const troubled = state === "reconnecting" || state === "offline";
  const shown = useLasting(troubled, BANNER_AFTER_MS) || state === "refused";
  if (!shown) return null;
  return (
    <div className="banner" role={state === "refused" ? "alert" : "status"} data-testid="banner" data-state={state}>
      <span>{words(hub, texts, draining)}</span>
      <button type="button" onClick={() => hub.connection.reopen()}>
        {texts.retryNow}
      </button>
    </div>
  );
}

function words(hub: HubClient, texts: Texts["app"]["connection"], draining: boolean): string {
  const { state, refusal } = hub.connection;
  if (state === "refused") return texts.refused(refusal ?? "");
  if (state === "offline") return texts.offline;
  return draining ? texts.draining : texts.lost;
}

/** Whether the server said that it is stopping, until it is back. */
function useDraining(hub: HubClient): boolean {
  const [draining, setDraining] = useState(false);
  useEffect(() => {
    const stops = [
      hub.connection.on("goodbye", ({ code }) => setDraining(code === "draining")),
      hub.connection.opened.listen(() => setDraining(false)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [hub]);
  return draining;
}
