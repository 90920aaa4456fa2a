/** What was typed and not yet sent, per session. Survives switching and a reload of this tab, nothing else. */

export function loadDraft(sessionId: string): string {
  try {
    return sessionStorage.getItem(key(sessionId)) ?? "";
  } catch {
    return "";
  }
}

export function saveDraft(sessionId: string, text: string): void {
  try {
    if (text === "") sessionStorage.removeItem(key(sessionId));
    else sessionStorage.setItem(key(sessionId), text);
  } catch {
    // Storage can be off or full; the text is still in the box.
  }
}

function key(sessionId: string): string {
  return `parley.draft.${sessionId}`;
}
