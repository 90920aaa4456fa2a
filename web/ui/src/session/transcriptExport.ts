/** A session's active branch as one Markdown text, for reading elsewhere. Pure but for the pages it is given. */

import { callsOf, resultOf } from "@parley/client";
import type { Message, MessagesPage, Session } from "@parley/client";
import type { Texts } from "../i18n/texts";

type Words = Texts["session"]["exported"];

/** The page of messages that ends just before a position, oldest first. */
export type PageBefore = (position: number) => Promise<MessagesPage>;

const LONGEST_FENCE = /^`{3,}/gm;

/** Every message of the branch, oldest first, page by page from the end. */
export async function allMessages(pageBefore: PageBefore, length: number): Promise<readonly Message[]> {
  const pages: (readonly Message[])[] = [];
  let end = length + 1;
  while (end > 1) {
    const { messages } = await pageBefore(end);
    if (messages.length === 0) break;
    pages.unshift(messages);
    end -= messages.length;
  }
  return pages.flat();
}

export function asMarkdown(session: Session, messages: readonly Message[], words: Words): string {
  const title = session.title === "" ? session.id : session.title;
  return [`# ${title}`, ...messages.map((message) => section(message, words))].join("\n\n") + "\n";
}

function section(message: Message, words: Words): string {
  const who = { user: words.you, agent: words.agent, system: words.system }[message.role];
  return `## ${who} · ${message.createdAtUtc}\n\n${body(message)}`;
}

function body(message: Message): string {
  switch (message.kind) {
    case "tool_request":
    case "mcp_tool_request":
      return callsOf(message)
        .map(({ name, arguments: given }) => `\`${name}\`\n\n${fenced(JSON.stringify(given, null, 2), "json")}`)
        .join("\n\n");
    case "tool_result":
    case "mcp_tool_result": {
      const { name, status, output, error } = resultOf(message);
      return `\`${name}\` (${status})\n\n${fenced(output === "" ? (error ?? "") : output)}`;
    }
    case "text":
    case "streaming_response":
      return message.content;
    default:
      return `*${message.kind}*\n\n${message.content === "" ? fenced(JSON.stringify(message.payload, null, 2), "json") : message.content}`;
  }
}

/** A fence longer than any that the text begins a line with. */
function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...[...text.matchAll(LONGEST_FENCE)].map(([fence]) => fence.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A file name that every system takes. */
export function fileName(session: Session): string {
  const plain = session.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${plain.slice(0, 60) || session.id}.md`;
}
