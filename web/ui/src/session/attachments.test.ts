import { describe, expect, test } from "vitest";
import { lineCount, messagesOf } from "./attachments";
import type { Attachment, OnBusy } from "./attachments";

const IMAGE: Attachment = { id: "i", kind: "image", name: "a.png", mimeType: "image/png", data: "AAAA", bytes: 3, scaled: false };
const FILE: Attachment = { id: "f", kind: "text", name: "a.py", text: "print(1)\n" };
const LINES: Attachment = { id: "r", kind: "reference", name: "src/b.py", startLine: 3, endLine: null };

describe("what a text with attachments becomes", () => {
  test("words alone are one message, exactly as they were typed", () => {
    expect(messagesOf(" two \n", [], "enqueue", false)).toEqual([{ content: " two \n", onBusy: "enqueue" }]);
  });

  test("nothing at all is no message", () => {
    expect(messagesOf("  \n", [], "enqueue", false)).toEqual([]);
  });

  test("a text file stands in the message, in a fence of its language", () => {
    expect(messagesOf("Look", [FILE], "enqueue", false)[0]?.content).toBe("Look\n\na.py:\n```py\nprint(1)\n```");
  });

  test("a fence in a file is fenced by a longer one", () => {
    const fenced: Attachment = { ...FILE, name: "README", text: "````\ncode\n````" };
    expect(messagesOf("", [fenced], "enqueue", false)[0]?.content).toBe("README:\n`````\n````\ncode\n````\n`````");
  });

  test("an image has the text as its caption", () => {
    const [message, ...others] = messagesOf("What is this?", [IMAGE], "enqueue", false);
    expect(others).toEqual([]);
    expect(message?.content).toBe("What is this?");
    expect(message?.payload).toEqual({ kind: "image", source: "base64", data: "AAAA", mimeType: "image/png", mode: "auto" });
  });

  test("lines of a file are referred to by path, without the ends that were not given", () => {
    expect(messagesOf("", [LINES], "enqueue", false)).toEqual([
      { payload: { kind: "file_reference", path: "src/b.py", startLine: 3 }, onBusy: "enqueue" },
    ]);
  });
});

test.each<[OnBusy, boolean, readonly OnBusy[]]>([
  ["enqueue", false, ["enqueue", "steer"]],
  ["enqueue", true, ["enqueue", "enqueue"]],
  ["steer", true, ["steer", "steer"]],
  ["interrupt", true, ["interrupt", "steer"]],
])("of several things sent as %s while busy is %s, the first and the next are %s", (onBusy, busy, expected) => {
  const messages = messagesOf("Both", [IMAGE, LINES], onBusy, busy);
  expect(messages.map((message) => message.onBusy)).toEqual(expected);
  expect(messages.map(({ content }) => content)).toEqual([undefined, "Both"]);
});

test.each([
  ["", 0],
  ["one", 1],
  ["one\n", 1],
  ["one\n\n", 2],
])("%o has %i lines", (text, lines) => expect(lineCount(text)).toBe(lines));
