/** Says what the server says of its storage: that something shown before is missing, or that nothing can be kept. */

import { useEffect, useState } from "react";
import { CallError } from "@parley/client";
import type { HubClient } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";

type Health = { readonly warning?: string | null };

export function StorageBar({ hub }: { hub: HubClient }) {
  const texts = useTexts();
  const [word, setWord] = useState<((texts: Texts) => string) | null>(null);
  useEffect(() => {
    let wanted = true;
    const ask = () =>
      void hub.rest.request("get", "/readyz").then(
        (health) => wanted && setWord(() => ofHealth(health)),
        (error: unknown) => wanted && setWord(() => ofError(error)),
      );
    ask();
    const stop = hub.connection.opened.listen(ask);
    return () => {
      wanted = false;
      stop();
    };
  }, [hub]);
  if (word === null) return null;
  return (
    <div className="notice-bar" role="alert" data-testid="storage-bar">
      <span>{word(texts)}</span>
      <button type="button" onClick={() => setWord(null)}>
        {texts.common.dismiss}
      </button>
    </div>
  );
}

function ofHealth({ warning }: Health): ((texts: Texts) => string) | null {
  return warning ? (texts) => texts.app.storage.missing : null;
}

/** A server that can't be reached, or that stops, is told by the connection. */
function ofError(error: unknown): ((texts: Texts) => string) | null {
  if (!(error instanceof CallError) || !error.code.startsWith("storage_")) return null;
  return (texts) => texts.app.storage.trouble(error.message);
}
