/** A button with a panel under it for things to read. Escape and a click elsewhere close it, the focus returns. */

import { useEffect, useId, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";

interface Props {
  readonly label: string;
  /** What the button shows, which is read after `name`. */
  readonly children: ReactNode;
  readonly name?: string;
  readonly panel: (close: () => void) => ReactNode;
  readonly className: string;
  readonly testId: string;
}

const MARGIN_PX = 8;
const GAP_PX = 4;

export function Popover({ label, name = label, children, panel, className, testId }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const panelId = useId();
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        title={label}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={open ? panelId : undefined}
        data-testid={testId}
        onClick={() => setOpen(!open)}
      >
        {/* Not an `aria-label`: what is seen has to be part of the name, for those who say it aloud. */}
        <span className="visually-hidden">{name}</span>
        {children}
      </button>
      {open && (
        <Panel id={panelId} label={label} anchor={button} onClose={() => setOpen(false)}>
          {panel(() => setOpen(false))}
        </Panel>
      )}
    </>
  );
}

interface PanelProps {
  readonly id: string;
  readonly label: string;
  readonly anchor: RefObject<HTMLButtonElement | null>;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

function Panel({ id, label, anchor, onClose, children }: PanelProps) {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const [element, button] = [panel.current, anchor.current];
    if (element === null || button === null) return;
    element.showPopover();
    place(element, button);
    element.focus();
    const onToggle = (event: ToggleEvent) => {
      if (event.newState !== "closed") return;
      // Pressed elsewhere, the focus is there already; by Escape it goes back to the button.
      if (element.contains(document.activeElement) || document.activeElement === document.body) button.focus();
      onClose();
    };
    element.addEventListener("toggle", onToggle);
    return () => element.removeEventListener("toggle", onToggle);
    // Placed once, when it opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <div ref={panel} id={id} className="popover" role="dialog" aria-label={label} popover="auto" tabIndex={-1}>
      {children}
    </div>
  );
}

/** Under the button and ending where it ends, but never beyond the window. */
function place(panel: HTMLElement, button: HTMLElement): void {
  const from = button.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const left = Math.max(MARGIN_PX, Math.min(from.right - width, window.innerWidth - width - MARGIN_PX));
  const below = from.bottom + GAP_PX;
  const fits = below + height + MARGIN_PX <= window.innerHeight;
  panel.style.left = `${left}px`;
  panel.style.top = `${fits ? below : Math.max(MARGIN_PX, from.top - height - GAP_PX)}px`;
}
