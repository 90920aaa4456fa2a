/** Finds out whether the server wants a token, then shows the workspace. */

import { useEffect, useMemo, useState } from "react";
import { CallError, followBrowser, HubClient, openSocket, Rest } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { readPreferences } from "../lib/preferences";
import type { Preferences } from "../lib/preferences";
import { TokenForm } from "./TokenForm";
import { Workspace } from "./Workspace";

type Access = "checking" | "granted" | "wanted";

// The page was just loaded, so the server is there or about to be.
const CHECK_AGAIN_MS = 1_000;

interface Props {
  readonly token: string | null;
  readonly onToken: (token: string) => void;
  readonly onRefused: () => void;
  readonly onPreferences: (preferences: Preferences) => void;
}

export function Gate({ token, onToken, onRefused, onPreferences }: Props) {
  const texts = useTexts();
  const hub = useMemo(() => new HubClient(openSocket(token), new Rest(token)), [token]);
  const access = useAccess(hub, onRefused);
  useEffect(() => followPreferences(hub, onPreferences), [hub, onPreferences]);
  switch (access) {
    case "checking":
      return <p className="notice">{texts.app.connecting}</p>;
    case "wanted":
      return <TokenForm rejected={token !== null} onToken={onToken} />;
    case "granted":
      return <Workspace hub={hub} />;
  }
}

function useAccess(hub: HubClient, onRefused: () => void): Access {
  const [access, setAccess] = useState<Access>("checking");
  useEffect(() => {
    let timer = 0;
    const stopListening = hub.unauthenticated.listen(() => {
      onRefused();
      setAccess("wanted");
    });
    const check = () => {
      hub.identify().then(
        () => setAccess("granted"),
        (error: unknown) => {
          if (isRefusal(error)) setAccess("wanted");
          else timer = window.setTimeout(check, CHECK_AGAIN_MS);
        },
      );
    };
    check();
    return () => {
      clearTimeout(timer);
      stopListening();
    };
  }, [hub, onRefused]);
  useEffect(() => (access === "granted" ? connect(hub) : undefined), [hub, access]);
  return access;
}

/** Until the server has told what they are, the copy in this browser is better than the defaults. */
function followPreferences({ userState, connection }: HubClient, onPreferences: Props["onPreferences"]): () => void {
  const tell = () => {
    if (userState.known) onPreferences(readPreferences(userState.value.preferences));
  };
  const stops = [userState.changes.listen(tell), connection.on("user_state", tell)];
  return () => {
    for (const stop of stops) stop();
  };
}

function connect(hub: HubClient): () => void {
  const stopFollowing = followBrowser(hub.connection);
  hub.connection.start();
  return () => {
    stopFollowing();
    hub.connection.stop();
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof CallError && error.code === "unauthenticated";
}
