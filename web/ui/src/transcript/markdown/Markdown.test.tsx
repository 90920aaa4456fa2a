// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Markdown } from "./Markdown";

afterEach(cleanup);

function shown(text: string): HTMLElement {
  return render(<Markdown text={text} />).container;
}

test("headings, lists, tables and quotes are elements of their own", () => {
  const page = shown("# A\n\n1. one\n   - inner\n2. two\n\n> said\n\n|a|b|\n|:-|-:|\n|c|d|\n\n- [x] done");
  expect(page.querySelector("h3")?.textContent).toBe("A");
  expect(page.querySelectorAll("ol > li")).toHaveLength(2);
  expect(page.querySelector("li li")?.textContent).toBe("inner");
  expect(page.querySelector("blockquote")?.textContent).toBe("said");
  expect(page.querySelector("td[data-align=right]")?.textContent).toBe("d");
  expect(page.querySelector("svg[role=img]")?.getAttribute("aria-label")).toBe("done");
});

test("a list that goes on after a paragraph keeps its numbers", () => {
  expect(shown("3. three\n4. four").querySelector("ol")?.getAttribute("start")).toBe("3");
});

test("a link says where it leads, and opens apart from the page", () => {
  const link = shown("[there](https://example.org/a)").querySelector("a");
  expect(link?.getAttribute("title")).toBe("example.org");
  expect(link?.getAttribute("rel")).toBe("noopener noreferrer");
  expect(link?.getAttribute("target")).toBe("_blank");
});

test.each([
  "<script>alert(1)</script>",
  '<img src=x onerror="alert(1)">',
  "a <b onclick=x>c</b>",
  "<style>*{}</style>",
  "<!-- note -->",
])("HTML is shown as it is written: %s", (text) => {
  const page = shown(text);
  expect(page.querySelector("script, img, b, style")).toBeNull();
  expect(page.textContent).toContain(text);
});

test.each(["[x](javascript:alert(1))", "[x](&#106;avascript:alert(1))", "<javascript:alert(1)>", "![x](data:text/html,y)"])(
  "no link is made of %s",
  (text) => {
    expect(shown(text).querySelector("a, img")).toBeNull();
  },
);

test("a picture elsewhere is a link, and nothing is fetched", () => {
  const page = shown("![a chart](https://example.org/c.png)");
  expect(page.querySelector("img")).toBeNull();
  expect(page.querySelector("a")?.textContent).toBe("a chart");
});

test("an unfinished fence is code at once", () => {
  const page = render(<Markdown text={"Look:\n\n```ts\nlet a"} growing />).container;
  expect(page.querySelector("figure code")?.textContent).toBe("let a");
});

test("what grows keeps the elements of what is finished", () => {
  const first = `${"words ".repeat(80)}\n\n`;
  const { container, rerender } = render(<Markdown text={`${first}and`} growing />);
  const before = container.querySelector("p");
  rerender(<Markdown text={`${first}and more`} growing />);
  expect(container.querySelector("p")).toBe(before);
  expect(container.textContent).toContain("and more");
});

test("hidden characters in code are made visible", () => {
  expect(shown("`a\u202eb`").textContent).toBe("a⟨U+202E⟩b");
});

test("line breaks of what a person typed stay", () => {
  expect(render(<Markdown text={"a\nb"} breaks />).container.querySelector("br")).not.toBeNull();
});
