/** The bar above the session: the way to the panel, the open sessions, and what belongs to the whole page. */

import { CircleQuestionMark, PanelLeft, Search, Settings2 } from "lucide-react";
import type { HubClient, Sessions } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { Menu } from "../parts/Menu";
import { goTo } from "../lib/address";
import { ConnectionBadge } from "./ConnectionBadge";
import type { DialogName } from "./Dialogs";
import { SessionMark } from "./SessionMark";
import { TabStrip } from "./TabStrip";
import type { PanelState } from "./usePanel";
import type { Tabs } from "./useTabs";

interface Props {
  readonly hub: HubClient;
  readonly tabs: Tabs;
  readonly sessions: Sessions;
  readonly unread: ReadonlySet<string>;
  readonly selected: string | null;
  readonly panel: PanelState;
  readonly onClose: (sessionId: string) => void;
  readonly onCloseOthers: (sessionId: string) => void;
  readonly onDialog: (name: DialogName) => void;
}

export function TopBar({ hub, panel, onDialog, ...tabs }: Props) {
  const texts = useTexts().app;
  const { show } = texts.panel;
  return (
    <header className="top-bar">
      {(panel.phone || !panel.open) && (
        <button
          type="button"
          className="icon-button panel-toggle"
          aria-label={show}
          title={show}
          aria-expanded={panel.open}
          onClick={panel.toggle}
        >
          <PanelLeft size={17} aria-hidden="true" />
        </button>
      )}
      {panel.phone ? <TabSwitcher {...tabs} /> : <TabStrip {...tabs} onSelect={goTo} />}
      <div className="top-tools">
        <ConnectionBadge hub={hub} />
        <IconButton label={texts.search.title} onClick={() => onDialog("search")} data-testid="open-search">
          <Search size={16} />
        </IconButton>
        <IconButton
          label={texts.preferences.title}
          onClick={() => onDialog("preferences")}
          data-testid="open-preferences"
        >
          <Settings2 size={16} />
        </IconButton>
        <IconButton
          label={texts.shortcuts.title}
          className="not-on-phone"
          onClick={() => onDialog("shortcuts")}
          data-testid="open-shortcuts"
        >
          <CircleQuestionMark size={16} />
        </IconButton>
      </div>
    </header>
  );
}

/** Tabs where there is no room for them. */
function TabSwitcher({ tabs, sessions, selected, onClose }: Pick<Props, "tabs" | "sessions" | "selected" | "onClose">) {
  const texts = useTexts();
  const words = texts.app.tabs;
  const titleOf = (id: string) => sessions.get(id)?.title || texts.common.untitled;
  const items = tabs.order.map((id) => {
    const session = sessions.get(id);
    const label = (
      <>
        {session && <SessionMark session={session} />}
        <span className="tab-title">{titleOf(id)}</span>
      </>
    );
    return { id, label, checked: id === selected, onSelect: () => goTo(id) };
  });
  const close = selected === null ? [] : [{ id: "close", label: words.closeTab, onSelect: () => onClose(selected) }];
  return (
    <Menu
      label={words.switcher(selected === null ? words.none : titleOf(selected), items.length)}
      className="tab-switcher"
      testId="tab-switcher"
      items={[...items, ...close]}
      disabled={items.length === 0}
    >
      <span className="tab-title">{selected === null ? words.none : titleOf(selected)}</span>
      <span className="tally"> {items.length}</span>
    </Menu>
  );
}
