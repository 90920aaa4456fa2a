/** How a search is asked of the server. */

import type { Rest } from "@parley/client";
import type { Ask, SearchQuery } from "./searching";

const DAY_MS = 86_400_000;
const TAKE = 20;

export function asking(rest: Rest): Ask {
  return ({ text, ...filters }, cursor, signal) =>
    rest.request("get", "/api/search", {
      query: { q: text, take: TAKE, ...parametersOf(filters), ...(cursor === null ? {} : { cursor }) },
      signal,
    });
}

function parametersOf({ projectId, state, role, days }: Omit<SearchQuery, "text">) {
  return {
    ...(projectId === null ? {} : { projectId }),
    ...(state === null ? {} : { state }),
    ...(role === null ? {} : { role }),
    ...(days === null ? {} : { from: new Date(Date.now() - days * DAY_MS).toISOString() }),
  };
}
