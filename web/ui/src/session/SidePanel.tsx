/** Plan and pins beside the transcript where there is room, else in a sheet over it. */

import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";
import { PinList } from "./PinList";
import { PlanList } from "./PlanList";
import type { SessionCommands } from "./sessionCommands";
import type { Snapshot } from "@parley/client";

interface Props {
  readonly snapshot: Snapshot;
  readonly wide: boolean;
  readonly disabled: boolean;
  readonly commands: SessionCommands;
  readonly onJump: (messageId: string) => void;
  readonly onClose: () => void;
}

export function SidePanel({ snapshot, wide, disabled, commands, onJump, onClose }: Props) {
  const { side } = useTexts().session;
  const lists = (
    <>
      <PlanList plan={snapshot.plan} disabled={disabled} onChange={commands.setPlan} />
      <PinList
        pins={snapshot.pins}
        disabled={disabled}
        onAdd={commands.pinText}
        onUnpin={commands.unpin}
        onJump={(messageId) => {
          if (!wide) onClose();
          onJump(messageId);
        }}
      />
    </>
  );
  if (wide) {
    return (
      <aside className="side-panel" aria-label={side.label} data-testid="side-panel">
        {lists}
      </aside>
    );
  }
  return (
    <Dialog title={side.label} onClose={onClose} testId="side-panel">
      {lists}
    </Dialog>
  );
}
