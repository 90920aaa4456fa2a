// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from "vitest";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { anApproval } from "@parley/client/testing";
import { MemoryContext } from "../memory";
import { AnsweringContext } from "./answering";
import { ApprovalView } from "./ApprovalView";

afterEach(cleanup);

describe("a card", () => {
  function card(memory = new Map<string, unknown>()) {
    const send = vi.fn(() => Promise.resolve());
    const answering = { connected: true, me: "me", send, parametersOf: () => Promise.resolve(null) };
    render(
      <MemoryContext value={memory}>
        <AnsweringContext value={answering}>
          <ApprovalView approval={anApproval({ arguments: { command: "ls" } })} />
        </AnsweringContext>
      </MemoryContext>,
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

  test("that left the view and comes back has what was written in it", async () => {
    const memory = new Map<string, unknown>();
    card(memory);
    fireEvent.change(screen.getByTestId("deny-reason"), { target: { value: "not now" } });
    fireEvent.click(screen.getByTestId("edit-arguments"));
    fireEvent.change(await screen.findByTestId("arguments"), { target: { value: '{"command": "pwd"}' } });
    cleanup();
    const { send } = card(memory);
    expect(screen.getByTestId<HTMLInputElement>("deny-reason").value).toBe("not now");
    const field = await screen.findByTestId<HTMLTextAreaElement>("arguments");
    expect(field.value).toBe('{"command": "pwd"}');
    expect(document.activeElement).not.toBe(field);
    fireEvent.click(screen.getByTestId("approve-once"));
    expect(send).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ decision: "edit", arguments: { command: "pwd" } }),
    );
  });
});
