/** The attachments of the message that is being written. Kept while sessions are switched, lost with the page. */

import { useCallback, useState } from "react";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { MOST_ATTACHMENTS, TEXT_FILE_BYTES } from "./attachments";
import type { Attachment } from "./attachments";
import { bytesText } from "../i18n/numbers";
import { UnfitFile, readAttachment } from "./readAttachment";

const kept = new Map<string, readonly Attachment[]>();

export interface Attachments {
  readonly list: readonly Attachment[];
  /** How many files are being read. */
  readonly reading: number;
  /** Why the last file could not go along. */
  readonly trouble: string | null;
  readonly addFiles: (files: readonly File[]) => void;
  readonly add: (attachment: Attachment) => void;
  readonly remove: (id: string) => void;
  readonly clear: () => void;
}

export function useAttachments(sessionId: string): Attachments {
  const words = useTexts().session;
  const [list, setList] = useState(() => kept.get(sessionId) ?? []);
  const [reading, setReading] = useState(0);
  const [trouble, setTrouble] = useState<string | null>(null);
  const change = useCallback(
    (next: (before: readonly Attachment[]) => readonly Attachment[]) => {
      const after = next(kept.get(sessionId) ?? []);
      if (after.length === 0) kept.delete(sessionId);
      else kept.set(sessionId, after);
      setList(after);
    },
    [sessionId],
  );
  const add = (attachment: Attachment) => {
    const { length } = kept.get(sessionId) ?? [];
    if (length >= MOST_ATTACHMENTS) setTrouble(words.composer.tooMany(MOST_ATTACHMENTS));
    else change((before) => [...before, attachment]);
  };
  const addFile = async (file: File) => {
    setReading((before) => before + 1);
    try {
      add(await readAttachment(file));
    } catch (error) {
      setTrouble(troubleText(error, file.name, words));
    } finally {
      setReading((before) => before - 1);
    }
  };
  return {
    list,
    reading,
    trouble,
    add,
    addFiles: (files) => {
      setTrouble(null);
      // One after the other, so that they keep their order.
      void files.reduce((before, file) => before.then(() => addFile(file)), Promise.resolve());
    },
    remove: (id) => {
      setTrouble(null);
      change((before) => before.filter((each) => each.id !== id));
    },
    clear: () => {
      setTrouble(null);
      change(() => []);
    },
  };
}

function troubleText(error: unknown, name: string, { composer, locale }: Texts["session"]): string {
  if (!(error instanceof UnfitFile)) return composer.notReadable(name);
  switch (error.trouble) {
    case "too_big":
      return composer.tooBig(name, bytesText(TEXT_FILE_BYTES, locale));
    case "not_readable":
      return composer.notReadable(name);
    case "broken_image":
      return composer.brokenImage(name);
  }
}
