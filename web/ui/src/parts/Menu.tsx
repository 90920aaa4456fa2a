/** A button with a menu under it: arrow keys move, Escape and a click elsewhere close, as the menu pattern wants it. */

import { useEffect, useId, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";

export interface MenuItem {
  readonly id: string;
  readonly label: ReactNode;
  readonly onSelect: () => void;
  readonly disabled?: boolean;
  readonly danger?: boolean;
  /** Given for a choice of one among several. */
  readonly checked?: boolean;
}

interface Props {
  readonly label: string;
  /** What the button shows. */
  readonly children: ReactNode;
  readonly items: readonly MenuItem[];
  readonly className?: string;
  readonly testId?: string;
  readonly disabled?: boolean;
}

const MARGIN_PX = 8;

export function Menu({ label, children, items, className = "icon-button", testId, disabled = false }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const menuId = useId();
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? menuId : undefined}
        data-testid={testId}
        disabled={disabled}
        onClick={() => setOpen(!open)}
      >
        {children}
      </button>
      {open && <MenuItems id={menuId} label={label} items={items} anchor={button} onClose={close} />}
    </>
  );
}

interface ItemsProps {
  readonly id: string;
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly anchor: { readonly current: HTMLElement | null };
  readonly onClose: () => void;
}

/** The menu itself, opened by its button or by a right click, under what it belongs to. */
export function MenuItems({ id, label, items, anchor, onClose }: ItemsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = list.current;
    if (element === null || anchor.current === null) return;
    element.showPopover();
    place(element, anchor.current);
    (element.querySelector<HTMLElement>("[aria-checked=true]") ?? buttonsOf(element)[0])?.focus();
    // Closed by the browser: a click elsewhere, or Escape.
    const onToggle = (event: ToggleEvent) => event.newState === "closed" && onClose();
    element.addEventListener("toggle", onToggle);
    return () => element.removeEventListener("toggle", onToggle);
    // Placed once, when it opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <div ref={list} id={id} className="menu" role="menu" aria-label={label} popover="auto" onKeyDown={moveFocus}>
      {items.map((item) => (
        <button
          key={item.id}
          type="button"
          role={item.checked === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={item.checked}
          data-danger={item.danger === true ? "" : undefined}
          data-item={item.id}
          disabled={item.disabled}
          tabIndex={-1}
          onClick={() => {
            onClose();
            item.onSelect();
          }}
        >
          {item.label}
        </button>
      ))}
    </div>
  );
}

function buttonsOf(menu: Element): readonly HTMLButtonElement[] {
  return [...menu.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
}

function moveFocus(event: KeyboardEvent<HTMLDivElement>): void {
  const buttons = buttonsOf(event.currentTarget);
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  buttons.at(next % buttons.length)?.focus();
}

/** Under the button, or over it where there is more room; never beyond the window. */
function place(menu: HTMLElement, anchor: HTMLElement): void {
  const from = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const left = Math.max(MARGIN_PX, Math.min(from.left, window.innerWidth - width - MARGIN_PX));
  const below = from.bottom + 4;
  const fits = below + height + MARGIN_PX <= window.innerHeight || from.top < window.innerHeight - from.bottom;
  menu.style.left = `${left}px`;
  menu.style.top = `${fits ? below : Math.max(MARGIN_PX, from.top - height - 4)}px`;
}
