/** What the frame adds to the shortcuts and to the palette's commands. */

import { goTo, sessionNow } from "../lib/address";
import { useCommand } from "../lib/commands";
import type { DialogName } from "./Dialogs";
import { useTexts } from "../i18n/texts";
import { useShortcut } from "../lib/shortcuts";
import type { Shortcut } from "../lib/shortcuts";
import { stepped } from "./tabs";
import type { UserStateStore } from "@parley/client";

interface Frame {
  readonly state: UserStateStore;
  readonly create: () => void;
  readonly closeTab: (id: string) => void;
  readonly togglePanel: () => void;
  readonly openDialog: (name: DialogName) => void;
  readonly order: readonly string[];
}

export function useFrameKeys(frame: Frame): void {
  const { create, closeTab, togglePanel, openDialog, order } = frame;
  const step = (by: 1 | -1) => {
    const next = stepped(order, sessionNow(), by);
    if (next !== null) goTo(next);
  };
  const close = () => {
    const shown = sessionNow();
    if (shown !== null) closeTab(shown);
  };
  const group = "sessions";
  useBoth({
    id: "new-session",
    keys: "alt+n",
    macKeys: "ctrl+alt+n",
    group,
    label: (t) => t.app.panel.new,
    run: create,
  });
  useBoth({
    id: "close-tab",
    keys: "alt+w",
    macKeys: "ctrl+alt+w",
    group,
    label: (t) => t.app.tabs.closeTab,
    run: close,
  });
  useShortcut({ id: "next-tab", keys: "alt+PageDown", group, label: (t) => t.app.tabs.next, run: () => step(1) });
  useShortcut({ id: "last-tab", keys: "alt+PageUp", group, label: (t) => t.app.tabs.previous, run: () => step(-1) });
  useShortcut({ id: "move-tab", keys: "mod+shift+ArrowRight", group, label: (t) => t.app.shortcuts.moveTab });
  useShortcut({ id: "delete-tab", keys: "Delete", group, label: (t) => t.app.shortcuts.closeTab });
  useBoth({
    id: "panel",
    keys: "alt+p",
    macKeys: "ctrl+alt+p",
    group: "general",
    label: (t) => t.app.panel.toggle,
    run: togglePanel,
  });
  useShortcut({
    id: "search",
    keys: "mod+k",
    group: "general",
    label: (t) => t.app.shortcuts.search,
    run: () => openDialog("search"),
  });
  useBoth({
    id: "preferences",
    keys: "mod+,",
    group: "general",
    label: (t) => t.app.preferences.title,
    run: () => openDialog("preferences"),
  });
  useBoth({
    id: "help",
    keys: "?",
    group: "general",
    label: (t) => t.app.shortcuts.title,
    run: () => openDialog("shortcuts"),
  });
  useCommand({ id: "projects", label: (t) => t.app.projects.title, run: () => openDialog("projects") });
  usePreferenceCommands(frame.state);
}

function usePreferenceCommands(state: UserStateStore): void {
  const { locale } = useTexts().common;
  const prefer = (change: Readonly<Record<string, string>>) => void state.update({ preferences: change });
  useCommand({ id: "theme-light", label: (t) => t.app.commands.light, run: () => prefer({ theme: "light" }) });
  useCommand({ id: "theme-dark", label: (t) => t.app.commands.dark, run: () => prefer({ theme: "dark" }) });
  useCommand({ id: "theme-system", label: (t) => t.app.commands.system, run: () => prefer({ theme: "system" }) });
  const other = locale === "en" ? "zh" : "en";
  useCommand({ id: "language", label: (t) => t.app.commands.language, run: () => prefer({ language: other }) });
}

/** By its keys, and by its name in the palette. */
function useBoth(shortcut: Shortcut & { readonly run: () => void }): void {
  useShortcut(shortcut);
  useCommand({ id: shortcut.id, label: shortcut.label, run: shortcut.run });
}
