/** What the cards of an open session need to answer. */

import { useMemo } from "react";
import type { HubClient, Json, LiveSession } from "@parley/client";
import type { Answering } from "../transcript/approvals/answering";

type Schemas = ReadonlyMap<string, Json>;

const NO_SCHEMAS: Schemas = new Map();
const known = new WeakMap<HubClient, Promise<Schemas>>();

export function useAnsweringOf(hub: HubClient, session: LiveSession, connected: boolean): Answering {
  return useMemo(
    () => ({
      connected,
      me: hub.userId,
      send: (answer) => session.resolveApproval(answer),
      parametersOf: async (tool) => (await schemasOf(hub)).get(tool) ?? null,
    }),
    [hub, session, connected],
  );
}

/** Asked for once, when somebody wants to edit; after a failure again with the next wish. */
function schemasOf(hub: HubClient): Promise<Schemas> {
  const asked = known.get(hub);
  if (asked !== undefined) return asked;
  const asking = hub.rest.tools().then(
    ({ tools }) => new Map<string, Json>(tools.map(({ name, parameters }) => [name, parameters as Json])),
    () => {
      known.delete(hub);
      return NO_SCHEMAS;
    },
  );
  known.set(hub, asking);
  return asking;
}
