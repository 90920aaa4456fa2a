/** Finds out whether the server wants a token, then shows the workspace. */

import { useEffect, useMemo, useState } from "react";
import { CallError } from "@parley/client";
import { Hub } from "@parley/client";
import { Rest } from "@parley/client";
import { openSocket } from "@parley/client";
import { forgetToken, loadToken, saveToken } from "./token";
import { TokenForm } from "./TokenForm";
import { followBrowser } from "./wakeups";
import { Workspace } from "./Workspace";

type Access = "checking" | "granted" | "wanted";

// The page was just loaded, so the server is there or about to be.
const CHECK_AGAIN_MS = 1_000;

export function App() {
  const [token, setToken] = useState(loadToken);
  const [attempt, setAttempt] = useState(0);
  const accept = (next: string) => {
    saveToken(next);
    setToken(next);
    setAttempt(attempt + 1);
  };
  return <Gate key={attempt} token={token} onToken={accept} />;
}

function Gate({ token, onToken }: { token: string | null; onToken: (token: string) => void }) {
  const hub = useMemo(() => new Hub(openSocket(token), new Rest(token)), [token]);
  const access = useAccess(hub);
  switch (access) {
    case "checking":
      return <p className="notice">Connecting…</p>;
    case "wanted":
      return <TokenForm rejected={token !== null} onToken={onToken} />;
    case "granted":
      return <Workspace hub={hub} />;
  }
}

function useAccess(hub: Hub): Access {
  const [access, setAccess] = useState<Access>("checking");
  useEffect(() => {
    let timer = 0;
    const stopListening = hub.unauthenticated.listen(() => {
      forgetToken();
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
  }, [hub]);
  useEffect(() => (access === "granted" ? connect(hub) : undefined), [hub, access]);
  return access;
}

function connect(hub: Hub): () => void {
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
