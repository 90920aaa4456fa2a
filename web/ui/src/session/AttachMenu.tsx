/** What can go along with a message: files of this device, files of the workspace; or a workflow instead of words. */

import { useRef } from "react";
import { Paperclip } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { Menu } from "../parts/Menu";

interface Props {
  readonly disabled: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onReference: () => void;
  readonly onWorkflow: () => void;
}

export function AttachMenu({ disabled, onFiles, onReference, onWorkflow }: Props) {
  const words = useTexts().session.composer;
  const picker = useRef<HTMLInputElement>(null);
  const items = [
    { id: "file", label: words.attachFile, onSelect: () => picker.current?.click() },
    { id: "reference", label: words.attachReference, onSelect: onReference },
    { id: "workflow", label: words.startWorkflow, onSelect: onWorkflow },
  ];
  return (
    <>
      <Menu label={words.attach} items={items} testId="attach" disabled={disabled}>
        <Paperclip size={16} aria-hidden="true" />
      </Menu>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        tabIndex={-1}
        data-testid="file-picker"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // The same file can be picked again.
          event.target.value = "";
        }}
      />
    </>
  );
}
