// @vitest-environment jsdom
import { afterEach, expect, test } from "vitest";
import { cleanup, render, screen } from "@testing-library/react";
import { ItemElement, ListElement } from "./listElements";

afterEach(cleanup);

test("a row that was not measured yet is unseen, but no place where a focus is lost", () => {
  const { rerender } = render(
    <ItemElement index={0} style={{ visibility: "hidden", top: 40 }}>
      row
    </ItemElement>,
  );
  const { style } = screen.getByText("row");
  expect([style.visibility, style.opacity, style.pointerEvents, style.top]).toEqual(["", "0", "none", "40px"]);
  rerender(
    <ItemElement index={0} style={{ top: 40 }}>
      row
    </ItemElement>,
  );
  expect([style.visibility, style.opacity, style.pointerEvents, style.top]).toEqual(["", "", "", "40px"]);
});

test("a list that scrolls takes clicks", () => {
  render(<ListElement style={{ pointerEvents: "none", height: 40 }}>rows</ListElement>);
  const { style } = screen.getByText("rows");
  expect([style.pointerEvents, style.height]).toEqual(["", "40px"]);
});
