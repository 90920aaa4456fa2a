import { expect, test } from "vitest";
import { age, monthName, number } from "./format";

const NOW = Date.parse("2026-11-20T12:00:00Z");

test.each([
  [NOW + 5_000, "now", "现在"],
  [NOW - 59_000, "now", "现在"],
  [NOW - 5 * 60_000, "5 min", "5分钟"],
  [NOW - 3 * 3_600_000, "3 hr", "3小时"],
  [Date.parse("2026-03-04T12:00:00Z"), "Mar 4", "3月4日"],
  [Date.parse("2025-03-04T12:00:00Z"), "Mar 2025", "2025年3月"],
])("%i is as old as “%s”", (at, english, chinese) => {
  const iso = new Date(at).toISOString();
  expect(age(iso, "en", NOW)).toBe(english);
  expect(age(iso, "zh-CN", NOW).replaceAll(" ", "")).toBe(chinese);
});

test("numbers and months are the reader's", () => {
  expect(number(12345, "en")).toBe("12,345");
  expect(monthName(new Date(2026, 2, 1), "en")).toBe("March 2026");
  expect(monthName(new Date(2026, 2, 1), "zh-CN")).toBe("2026年3月");
});
