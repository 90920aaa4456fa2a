/** The models to choose from. Empty until the server has said; a failure is made good when the connection comes back. */

import { useEffect, useState } from "react";
import type { HubClient, ModelInfo } from "@parley/client";

const NONE: readonly ModelInfo[] = [];

export function useModels(hub: HubClient, connected: boolean): readonly ModelInfo[] {
  const [models, setModels] = useState(NONE);
  useEffect(() => {
    if (!connected) return;
    let wanted = true;
    hub.models().then(
      (known) => wanted && setModels(known),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [hub, connected]);
  return models;
}
