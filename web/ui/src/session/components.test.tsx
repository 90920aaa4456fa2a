// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from "vitest";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { CallError } from "@parley/client";
import { aRun, aMessage, aSession } from "@parley/client/testing";
import { Composer } from "./Composer";
import { OutboxList } from "./OutboxList";
import { QueueList } from "./QueueList";
import { Title } from "./Title";
import type { Attachments } from "./useAttachments";
import { WaitingJump } from "./WaitingJump";

afterEach(() => {
  cleanup();
  sessionStorage.clear();
});

const NO_ATTACHMENTS: Attachments = {
  list: [],
  reading: 0,
  trouble: null,
  add: () => undefined,
  addFiles: () => undefined,
  remove: () => undefined,
  clear: () => undefined,
};

function composer(change: Partial<Parameters<typeof Composer>[0]> = {}) {
  window.matchMedia = () => ({ matches: false }) as MediaQueryList;
  const onSend = vi.fn();
  const nothing = () => undefined;
  render(
    <Composer
      sessionId="s"
      connected
      archived={false}
      busy={false}
      stopping={false}
      sendKey="enter"
      attachments={NO_ATTACHMENTS}
      onSend={onSend}
      onStop={nothing}
      onTyping={nothing}
      onWorkflow={nothing}
      onReference={nothing}
      {...change}
    />,
  );
  const field = screen.getByTestId("composer");
  fireEvent.change(field, { target: { value: "Hello" } });
  return { field, onSend };
}

describe("the key that sends", () => {
  test("is Enter, but not with Shift and not while a word is being composed", () => {
    const { field, onSend } = composer();
    fireEvent.keyDown(field, { key: "Enter", shiftKey: true });
    fireEvent.keyDown(field, { key: "Enter", isComposing: true });
    expect(onSend).not.toHaveBeenCalled();
    fireEvent.keyDown(field, { key: "Enter" });
    expect(onSend).toHaveBeenCalledExactlyOnceWith([{ content: "Hello", onBusy: "enqueue" }]);
    expect((field as HTMLTextAreaElement).value).toBe("");
  });

  test("is not the Enter that ends a composition, where it arrives behind it", () => {
    const { field, onSend } = composer();
    fireEvent.compositionEnd(field);
    fireEvent.keyDown(field, { key: "Enter" });
    expect(onSend).not.toHaveBeenCalled();
  });

  test("is Enter with Ctrl or ⌘ where the reader prefers that", () => {
    const { field, onSend } = composer({ sendKey: "mod-enter" });
    fireEvent.keyDown(field, { key: "Enter" });
    expect(onSend).not.toHaveBeenCalled();
    fireEvent.keyDown(field, { key: "Enter", metaKey: true });
    expect(onSend).toHaveBeenCalledOnce();
  });

  test("does nothing in an archived session", () => {
    const { field, onSend } = composer({ archived: true });
    fireEvent.keyDown(field, { key: "Enter" });
    expect(onSend).not.toHaveBeenCalled();
  });
});

test("a text that the server would not take is not sent, and stays", () => {
  const { field, onSend } = composer();
  fireEvent.change(field, { target: { value: "x".repeat(10_000_001) } });
  fireEvent.keyDown(field, { key: "Enter" });
  expect(onSend).not.toHaveBeenCalled();
  expect(screen.getByTestId("composer-error").textContent).toContain("too long");
  expect((field as HTMLTextAreaElement).value).toHaveLength(10_000_001);
});

describe("a title", () => {
  function title(onRename: () => Promise<unknown>) {
    const session = aSession({ title: "Old", version: 3 });
    const view = render(<Title session={session} editing onEdit={() => undefined} onRename={onRename} />);
    fireEvent.change(screen.getByTestId("title-input"), { target: { value: "New" } });
    fireEvent.keyDown(screen.getByTestId("title-input"), { key: "Enter" });
    view.rerender(<Title session={session} editing={false} onEdit={() => undefined} onRename={onRename} />);
    return { ...view, session };
  }

  test("is shown at once, and the session's own again as soon as that has another title", () => {
    const onRename = vi.fn(() => new Promise(() => undefined));
    const { rerender, session } = title(onRename);
    expect(onRename).toHaveBeenCalledExactlyOnceWith("New", session);
    expect(screen.getByTestId("session-title").textContent).toBe("New");
    const edited = { ...session, version: 4 };
    rerender(<Title session={edited} editing={false} onEdit={() => undefined} onRename={onRename} />);
    expect(screen.getByTestId("session-title").textContent).toBe("New");
    const later = { ...session, title: "Newer", version: 5 };
    rerender(<Title session={later} editing={false} onEdit={() => undefined} onRename={onRename} />);
    expect(screen.getByTestId("session-title").textContent).toBe("Newer");
  });

  test("that somebody else was faster with is not overwritten unasked", async () => {
    const beaten = new CallError({ code: "version_mismatch", message: "", retryable: false, details: {} });
    title(() => Promise.reject(beaten));
    await waitFor(() => expect(screen.getByTestId("title-beaten").textContent).toContain("Renamed meanwhile to “Old”"));
    expect(screen.getByTestId("session-title").textContent).toBe("Old");
  });
});

test("what waits is named by its message, and taken out by its run", () => {
  const onRemove = vi.fn();
  const run = { ...aRun({ id: "r7" }), messageId: "m7" };
  const messages = [aMessage({ id: "m7", kind: "text", content: "Then\nthis" })];
  render(<QueueList queue={[run]} messages={messages} disabled={false} onRemove={onRemove} />);
  expect(screen.getByTestId("queued").textContent).toBe("Then this");
  fireEvent.click(screen.getByRole("button"));
  expect(onRemove).toHaveBeenCalledExactlyOnceWith("r7");
});

test("a message that was refused says why, and can be sent again or dropped; one on its way cannot", () => {
  const [onRetry, onDiscard] = [vi.fn(), vi.fn()];
  const entries = [
    { clientMessageId: "a", text: "One", state: "failed", error: "Archived" },
    { clientMessageId: "b", text: "Two", state: "sending", error: null },
  ] as const;
  render(<OutboxList entries={entries} onRetry={onRetry} onDiscard={onDiscard} />);
  expect(screen.getByText("Archived")).toBeTruthy();
  fireEvent.click(screen.getByTestId("send-again"));
  fireEvent.click(screen.getByTestId("discard"));
  expect([onRetry.mock.calls, onDiscard.mock.calls]).toEqual([[["a"]], [["a"]]]);
});

test("the way between questions is offered where there are several", () => {
  const step = vi.fn();
  const { rerender } = render(<WaitingJump at={-1} count={1} step={step} />);
  expect(screen.queryByTestId("waiting-jump")).toBeNull();
  rerender(<WaitingJump at={1} count={3} step={step} />);
  expect(screen.getByTestId("waiting-jump").textContent).toBe("2 of 3");
  fireEvent.click(screen.getByTestId("next-waiting"));
  expect(step).toHaveBeenCalledExactlyOnceWith(1);
});
