/** Where the list of sessions stands: beside the session, or on a phone in a drawer over it. */

import { useEffect, useRef } from "react";
import { PanelLeftClose } from "lucide-react";
import type { Hub } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import type { SessionActions } from "./actions";
import { SessionPanel } from "./SessionPanel";

interface Props {
  readonly open: boolean;
  readonly phone: boolean;
  readonly onClose: () => void;
  readonly hub: Hub;
  readonly selected: string | null;
  readonly actions: SessionActions;
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

/** A modal dialog of the browser: it keeps the focus inside and closes on Escape. */
function Drawer(props: Inner) {
  const { panel } = useTexts().app;
  const dialog = useRef<HTMLDialogElement>(null);
  const { onClose } = props;
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      id="session-panel"
      className="session-panel drawer"
      aria-label={panel.label}
      data-testid="session-panel"
      onClick={(event) => event.target === dialog.current && onClose()}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <Contents {...props} />
    </dialog>
  );
}

function Contents({ onClose, ...list }: Inner) {
  const texts = useTexts().app;
  return (
    <>
      <div className="panel-head">
        <span className="brand">{texts.name}</span>
        <IconButton label={texts.panel.hide} onClick={onClose}>
          <PanelLeftClose size={17} />
        </IconButton>
      </div>
      <SessionPanel {...list} />
    </>
  );
}
