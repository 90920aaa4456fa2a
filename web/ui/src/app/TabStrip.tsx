/** The open sessions as tabs: chosen, closed, and put in order by pointer or by keys. */

import { useEffect, useId, useRef, useState } from "react";
import type { KeyboardEvent, MouseEvent } from "react";
import { X } from "lucide-react";
import type { Sessions } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { MenuItems } from "../parts/Menu";
import type { MenuItem } from "../parts/Menu";
import { SessionMark } from "./SessionMark";
import type { Tabs } from "./useTabs";
import { useTabDrag } from "./useTabDrag";

interface Props {
  readonly tabs: Tabs;
  readonly sessions: Sessions;
  readonly unread: ReadonlySet<string>;
  readonly selected: string | null;
  readonly onSelect: (sessionId: string) => void;
  readonly onClose: (sessionId: string) => void;
  readonly onCloseOthers: (sessionId: string) => void;
}

export function TabStrip({ tabs, sessions, unread, selected, onSelect, onClose, onCloseOthers }: Props) {
  const texts = useTexts();
  const words = texts.app.tabs;
  const [said, setSaid] = useState("");
  const [menu, setMenu] = useState<{ readonly id: string; readonly tab: HTMLElement } | null>(null);
  const menuId = useId();
  const strip = useRef<HTMLUListElement>(null);
  const { order, dragged, onPointerDown } = useTabDrag(strip, tabs);
  useEffect(() => {
    strip.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [selected, tabs.order.length]);
  const titleOf = (id: string) => sessions.get(id)?.title || texts.common.untitled;
  const move = (id: string, step: 1 | -1) => {
    const place = Math.max(0, Math.min(order.length - 1, order.indexOf(id) + step));
    tabs.move(id, place);
    setSaid(words.moved(titleOf(id), place + 1, order.length));
  };
  const onKeyDown = (event: KeyboardEvent, id: string) => {
    const step = ({ ArrowLeft: -1, ArrowRight: 1 } as const)[event.key];
    if (event.key === "Delete") onClose(id);
    else if (step === undefined) return;
    else if ((event.ctrlKey || event.metaKey) && event.shiftKey) move(id, step);
    else focusTab(strip.current, order[order.indexOf(id) + step]);
    event.preventDefault();
  };
  const openMenu = (event: MouseEvent<HTMLElement>, id: string) => {
    event.preventDefault();
    setMenu({ id, tab: event.currentTarget });
  };
  const closeMenu = () => {
    setMenu(null);
    focusTab(strip.current, menu?.id);
  };
  const itemsOf = (id: string): readonly MenuItem[] => [
    { id: "close", label: words.closeTab, onSelect: () => onClose(id) },
    { id: "close-others", label: words.closeOthers, disabled: order.length < 2, onSelect: () => onCloseOthers(id) },
    { id: "left", label: words.left, disabled: order[0] === id, onSelect: () => move(id, -1) },
    { id: "right", label: words.right, disabled: order.at(-1) === id, onSelect: () => move(id, 1) },
  ];
  const closeByMiddle = (event: MouseEvent, id: string) => event.button === 1 && onClose(id);
  return (
    <nav className="tabs" aria-label={words.label}>
      <ul ref={strip} data-testid="tabs">
        {order.map((id) => {
          const session = sessions.get(id);
          return (
            <li
              key={id}
              className="tab"
              data-tab-id={id}
              data-dragged={id === dragged ? "" : undefined}
              onPointerDown={(event) => onPointerDown(event, id)}
              onContextMenu={(event) => openMenu(event, id)}
              onAuxClick={(event) => closeByMiddle(event, id)}
              // The wheel button would start scrolling.
              onMouseDown={(event) => event.button === 1 && event.preventDefault()}
            >
              <button
                type="button"
                className="tab-name"
                aria-current={id === selected ? "page" : undefined}
                title={titleOf(id)}
                onClick={() => onSelect(id)}
                onKeyDown={(event) => onKeyDown(event, id)}
              >
                {session && <SessionMark session={session} />}
                <span className="tab-title">{titleOf(id)}</span>
                {unread.has(id) && <span className="unread" role="img" aria-label={texts.app.states.unread} />}
              </button>
              <button
                type="button"
                className="tab-close"
                aria-label={words.close(titleOf(id))}
                onClick={() => onClose(id)}
              >
                <X size={13} aria-hidden="true" />
              </button>
            </li>
          );
        })}
      </ul>
      {menu !== null && (
        <MenuItems
          id={menuId}
          label={titleOf(menu.id)}
          anchor={{ current: menu.tab }}
          onClose={closeMenu}
          items={itemsOf(menu.id)}
        />
      )}
      <span className="visually-hidden" role="status">
        {said}
      </span>
    </nav>
  );
}

function focusTab(strip: Element | null, id: string | undefined): void {
  if (id === undefined) return;
  strip?.querySelector<HTMLElement>(`[data-tab-id="${CSS.escape(id)}"] .tab-name`)?.focus();
}
