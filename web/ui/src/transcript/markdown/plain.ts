/** A text in Markdown without its marks. Pure. */

import type { MarkedToken, Token, Tokens } from "marked";
import { blocksOf } from "./blocks";
import { decoded } from "./entities";
import { fenceOf } from "./fence";
import { parse } from "./parse";

// Copying megabytes should not wait for a parser.
const LONGEST = 300_000;

export function plainText(text: string): string {
  if (text.length > LONGEST) return text;
  const parts = blocksOf(text).blocks.map((block) => plainBlock(block.text).trim());
  return parts.filter((part) => part !== "").join("\n\n");
}

function plainBlock(text: string): string {
  const fence = fenceOf(text);
  if (fence !== null) return fence.code;
  const tokens = parse(text, false);
  return tokens === null ? text : joined(tokens, "\n\n");
}

function joined(tokens: readonly Token[], between: string): string {
  const parts = tokens.map((token) => plainToken(token as MarkedToken));
  return between === "" ? parts.join("") : parts.filter((part) => part !== "").join(between);
}

function plainToken(token: MarkedToken): string {
  switch (token.type) {
    case "space":
    case "def":
    case "hr":
    case "checkbox":
      return "";
    case "code":
    case "codespan":
    case "escape":
      return token.text;
    case "br":
      return "\n";
    case "list":
      return token.items.map((item, index) => plainItem(token, item, index)).join("\n");
    case "table":
      return [token.header, ...token.rows].map(plainRow).join("\n");
    case "blockquote":
      return joined(token.tokens, "\n\n");
    case "image":
      return decoded(token.text);
    case "text":
      return token.tokens === undefined ? decoded(token.text) : joined(token.tokens, "");
    case "paragraph":
    case "heading":
    case "strong":
    case "em":
    case "del":
    case "link":
      return joined(token.tokens, "");
    default:
      return token.raw;
  }
}

function plainItem({ ordered, start }: Tokens.List, item: Tokens.ListItem, index: number): string {
  const mark = ordered ? `${(start === "" ? 1 : start) + index}.` : item.task ? (item.checked ? "[x]" : "[ ]") : "-";
  return `${mark} ${joined(item.tokens, "\n").replaceAll("\n", "\n  ")}`;
}

function plainRow(cells: readonly Tokens.TableCell[]): string {
  return cells.map(({ tokens }) => joined(tokens, "")).join("\t");
}
