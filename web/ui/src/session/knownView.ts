/** What is shown of a session whose context has come. */

import type { SessionView, Snapshot } from "@parley/client";

export type KnownView = SessionView & { readonly snapshot: Snapshot };
