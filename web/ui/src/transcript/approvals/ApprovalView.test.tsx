// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from "vitest";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { anApproval } from "@parley/client/testing";
import { AnsweringContext } from "./answering";
import { ApprovalView } from "./ApprovalView";

afterEach(cleanup);

describe("a card", () => {
  function card() {
    const send = vi.fn(() => Promise.resolve());
    const answering = { connected: true, me: "me", send, parametersOf: () => Promise.resolve(null) };
    render(
      <AnsweringContext value={answering}>
        <ApprovalView approval={anApproval({ arguments: { command: "ls" } })} />
      </AnsweringContext>,
    );
    return { send, section: screen.getByRole("region") };
  }

  test("is approved and denied by its keys", () => {
    const { send, section } = card();
    fireEvent.keyDown(section, { key: "a", ctrlKey: true });
    expect(send).not.toHaveBeenCalled();
    fireEvent.keyDown(section, { key: "a" });
    expect(send).toHaveBeenCalledExactlyOnceWith({ approvalId: "a1", decision: "approve", scope: "once" });
  });

  test("takes a letter in its field as a letter", () => {
    const { send } = card();
    fireEvent.keyDown(screen.getByTestId("deny-reason"), { key: "d" });
    expect(send).not.toHaveBeenCalled();
  });

  test("is edited as JSON where the tool's schema is not known, and approved with the change", async () => {
    const { send } = card();
    fireEvent.click(screen.getByTestId("edit-arguments"));
    const field = await screen.findByTestId("arguments");
    fireEvent.change(field, { target: { value: "{" } });
    expect(screen.getByTestId<HTMLButtonElement>("approve-once").disabled).toBe(true);
    fireEvent.change(field, { target: { value: '{"command": "pwd"}' } });
    fireEvent.click(screen.getByTestId("approve-once"));
    expect(send).toHaveBeenCalledExactlyOnceWith({
      approvalId: "a1",
      decision: "edit",
      arguments: { command: "pwd" },
      scope: "once",
    });
  });
});
