/** A message as text for the clipboard. Pure. */

import type { Message } from "@parley/client";
import { plainText } from "./markdown/plain";

/** As it was written. */
export function markdownOf({ content }: Pick<Message, "content">): string {
  return content;
}

/** As it reads: without the marks of Markdown. */
export function plainTextOf({ content }: Pick<Message, "content">): string {
  return plainText(content);
}
