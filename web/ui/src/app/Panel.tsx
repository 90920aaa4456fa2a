/** Where the list of sessions stands: beside the session, or on a phone in a drawer over it. */

import { PanelLeftClose } from "lucide-react";
import type { HubClient, Project } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { Modal } from "../parts/Modal";
import type { SessionActions } from "./actions";
import { SessionPanel } from "./SessionPanel";

interface Props {
  readonly open: boolean;
  readonly phone: boolean;
  readonly onClose: () => void;
  readonly hub: HubClient;
  readonly selected: string | null;
  readonly actions: SessionActions;
  readonly projects: readonly Project[];
  readonly onProjects: () => void;
}

export function Panel({ open, phone, ...others }: Props) {
  if (!open) return null;
  return phone ? <Drawer {...others} /> : <Docked {...others} />;
}

type Inner = Omit<Props, "open" | "phone">;

function Docked(props: Inner) {
  const { panel } = useTexts().app;
  return (
    <nav id="session-panel" className="session-panel" aria-label={panel.label} data-testid="session-panel">
      <Contents {...props} />
    </nav>
  );
}

function Drawer(props: Inner) {
  const { panel } = useTexts().app;
  return (
    <Modal
      id="session-panel"
      className="session-panel drawer"
      label={panel.label}
      testId="session-panel"
      onClose={props.onClose}
    >
      <Contents {...props} />
    </Modal>
  );
}

function Contents({ onClose, ...list }: Inner) {
  const texts = useTexts().app;
  return (
    <>
      <div className="panel-head">
        <span className="brand">{texts.name}</span>
        <IconButton label={texts.panel.hide} className="panel-toggle" onClick={onClose}>
          <PanelLeftClose size={17} />
        </IconButton>
      </div>
      <SessionPanel {...list} />
    </>
  );
}
