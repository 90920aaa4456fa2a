/** What was typed and not yet sent, per session. Survives switching and a reload of this tab, nothing else. */

import { newId } from "@parley/client";

export interface Draft {
  readonly text: string;
  /** Stays the same for as long as the text does: sending again after a lost answer makes no second message (I10). */
  readonly clientMessageId: string;
}

export function newDraft(text = ""): Draft {
  return { text, clientMessageId: newId() };
}

export function loadDraft(sessionId: string): Draft {
  try {
    const stored = sessionStorage.getItem(key(sessionId));
    return stored === null ? newDraft() : (JSON.parse(stored) as Draft);
  } catch {
    return newDraft();
  }
}

export function saveDraft(sessionId: string, draft: Draft): void {
  try {
    if (draft.text === "") sessionStorage.removeItem(key(sessionId));
    else sessionStorage.setItem(key(sessionId), JSON.stringify(draft));
  } catch {
    // Storage can be off or full; the text is still in the box.
  }
}

function key(sessionId: string): string {
  return `parley.draft.${sessionId}`;
}
