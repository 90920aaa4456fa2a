/** What goes along with a message: images, text files, files of the workspace; and how they become messages. Pure. */

import type { Json } from "@parley/client";

interface Common {
  readonly id: string;
  readonly name: string;
}

export interface ImageAttachment extends Common {
  readonly kind: "image";
  readonly mimeType: string;
  /** Base64. */
  readonly data: string;
  readonly bytes: number;
  readonly scaled: boolean;
}

export interface TextAttachment extends Common {
  readonly kind: "text";
  readonly text: string;
}

/** Lines of a file in the server's workspace, which the server reads; the whole file without them. */
export interface ReferenceAttachment extends Common {
  readonly kind: "reference";
  readonly startLine: number | null;
  readonly endLine: number | null;
}

export type Attachment = ImageAttachment | TextAttachment | ReferenceAttachment;

export type OnBusy = "enqueue" | "interrupt" | "steer";

export interface OutgoingMessage {
  readonly content?: string;
  readonly payload?: Json;
  readonly onBusy: OnBusy;
}

export const MOST_ATTACHMENTS = 8;
/** Of one text file: about 100,000 tokens, which is more than most windows leave room for. */
export const TEXT_FILE_BYTES = 400_000;
/** Of a message's whole text, as the server takes it. */
export const MESSAGE_BYTES = 10_000_000;

const FENCE_AT_START = /^`{3,}/gm;

/**
 * The messages that a text with attachments becomes. Text files stand in the text, in fences; an image or a reference
 * is a message of its own, the last of which has the text as its caption. What follows the first one joins the run
 * that it starts, so that one answer covers all; only in a queue each waits for its turn.
 */
export function messagesOf(
  text: string,
  attachments: readonly Attachment[],
  onBusy: OnBusy,
  busy: boolean,
): readonly OutgoingMessage[] {
  const content = withFiles(text.trim() === "" ? "" : text, attachments);
  const payloads = attachments.map(payloadOf).filter((payload) => payload !== null);
  const following = busy && onBusy === "enqueue" ? "enqueue" : "steer";
  const first = busy ? onBusy : "enqueue";
  if (payloads.length === 0) return content === "" ? [] : [{ content, onBusy: first }];
  return payloads.map((payload, index) => ({
    payload,
    ...(index === payloads.length - 1 && content !== "" ? { content } : {}),
    onBusy: index === 0 ? first : following,
  }));
}

function withFiles(text: string, attachments: readonly Attachment[]): string {
  const files = attachments.filter((each) => each.kind === "text");
  return [...(text === "" ? [] : [text]), ...files.map(fencedFile)].join("\n\n");
}

function fencedFile({ name, text }: TextAttachment): string {
  const longest = Math.max(2, ...[...text.matchAll(FENCE_AT_START)].map(([fence]) => fence.length));
  const fence = "`".repeat(longest + 1);
  const language = /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  return `${name.replaceAll("\n", " ")}:\n${fence}${language}\n${text}${text.endsWith("\n") ? "" : "\n"}${fence}`;
}

function payloadOf(attachment: Attachment): Json | null {
  switch (attachment.kind) {
    case "text":
      return null;
    case "image": {
      const { data, mimeType } = attachment;
      return { kind: "image", source: "base64", data, mimeType, mode: "auto" };
    }
    case "reference": {
      const { name, startLine, endLine } = attachment;
      return {
        kind: "file_reference",
        path: name,
        ...(startLine === null ? {} : { startLine }),
        ...(endLine === null ? {} : { endLine }),
      };
    }
  }
}

/** How many bytes a text has on its way. */
export function sizeOf(text: string): number {
  return new TextEncoder().encode(JSON.stringify(text)).length;
}

export function lineCount(text: string): number {
  return text === "" ? 0 : text.replace(/\n$/, "").split("\n").length;
}
