/** Takes files that are dropped anywhere on the session, and says so while they are over it. */

import { useRef, useState } from "react";
import type { DragEvent, KeyboardEventHandler, ReactNode } from "react";
import { useTexts } from "../i18n/texts";

interface Props {
  readonly disabled: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onKeyDown: KeyboardEventHandler;
  readonly children: ReactNode;
}

export function DropZone({ disabled, onFiles, onKeyDown, children }: Props) {
  const { composer } = useTexts().session;
  const [over, setOver] = useState(false);
  // Each element under the pointer enters before the last one leaves.
  const depth = useRef(0);
  const move = (change: 1 | -1) => {
    depth.current = Math.max(0, depth.current + change);
    setOver(depth.current > 0);
  };
  const takes = (event: DragEvent) => !disabled && event.dataTransfer.types.includes("Files");
  const onDrop = (event: DragEvent) => {
    if (!takes(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  return (
    <div
      className="session-page"
      data-testid="session-page"
      onDragEnter={(event) => takes(event) && move(1)}
      onDragLeave={(event) => takes(event) && move(-1)}
      onDragOver={(event) => takes(event) && event.preventDefault()}
      onDrop={onDrop}
      onKeyDown={onKeyDown}
    >
      {children}
      {over && (
        <p className="drop-veil" aria-hidden="true">
          {composer.dropHere}
        </p>
      )}
    </div>
  );
}
