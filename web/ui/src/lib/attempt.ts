/** What is asked of the server in the background: when it fails, a notice says so. */

import { messageOf } from "@parley/client";
import { toasts } from "./toasts";

export function attempt(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => toasts.error(messageOf(error)));
}
