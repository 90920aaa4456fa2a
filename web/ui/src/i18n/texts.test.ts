import { expect, test } from "vitest";
import { en, languageFor, loadTexts } from "./texts";

test("a preference wins over the browser; auto takes the first language that there is", () => {
  expect(languageFor("zh", ["en-US"])).toBe("zh");
  expect(languageFor("auto", ["de-DE", "zh-TW", "en"])).toBe("zh");
  expect(languageFor("auto", ["fr"])).toBe("en");
});

test("the Chinese texts have every key of the English ones, and none is empty there that is not empty here", async () => {
  const zh = await loadTexts("zh");
  compare(en, zh, "");
});

function compare(english: object, chinese: object, path: string): void {
  expect(Object.keys(chinese).sort(), path).toEqual(Object.keys(english).sort());
  for (const [key, value] of Object.entries(english)) {
    const other: unknown = (chinese as Readonly<Record<string, unknown>>)[key];
    expect(typeof other, `${path}.${key}`).toBe(typeof value);
    if (typeof value === "object" && value !== null) compare(value as object, other as object, `${path}.${key}`);
    if (typeof value === "string") expect(other === "", `${path}.${key}`).toBe(value === "");
  }
}
