/** How the writer of a message wants it shown: folded, under a summary, with an icon. Pure. */

import type { Message } from "@parley/client";
import { asFields, textIn } from "./payload";

export interface Hint {
  readonly summary: string;
  readonly collapsed: boolean;
  /** A name; one that is not known shows nothing. */
  readonly icon: string;
}

const SUMMARY_CHARS = 300;

/** Null when nothing is wished for. */
export function hintOf({ metadata }: Pick<Message, "metadata">): Hint | null {
  const fields = asFields(asFields(metadata)["displayHint"]);
  const summary = textIn(fields, "summary").slice(0, SUMMARY_CHARS);
  const collapsed = fields["collapsed"] === true;
  return summary === "" && !collapsed ? null : { summary, collapsed, icon: textIn(fields, "icon") };
}
