/** What can be done with the session as a whole. */

import type { ReactNode } from "react";
import { Archive, ArchiveRestore, FileDown, GitBranch, Link, MoreHorizontal, Pencil, ScrollText, Trash2 } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { Menu } from "../parts/Menu";

export interface SessionMenuActions {
  readonly onRename: () => void;
  readonly onArchive: () => void;
  readonly onUnarchive: () => void;
  readonly onDelete: () => void;
  readonly onCopyLink: () => void;
  readonly onExport: () => void;
  readonly onPrompt: () => void;
  readonly onBranchPrompt: () => void;
}

interface Props extends SessionMenuActions {
  readonly archived: boolean;
  readonly busy: boolean;
}

export function SessionMenu({ archived, busy, ...actions }: Props) {
  const { header } = useTexts().session;
  const items = [
    item("rename", <Pencil size={15} />, header.rename, actions.onRename),
    item("copy-link", <Link size={15} />, header.copyLink, actions.onCopyLink),
    item("export", <FileDown size={15} />, header.export, actions.onExport),
    item("prompt", <ScrollText size={15} />, header.prompt, actions.onPrompt),
    item("branch-prompt", <GitBranch size={15} />, header.branchPrompt, actions.onBranchPrompt),
    archived
      ? item("unarchive", <ArchiveRestore size={15} />, header.unarchive, actions.onUnarchive)
      : { ...item("archive", <Archive size={15} />, header.archive, actions.onArchive), disabled: busy },
    { ...item("delete", <Trash2 size={15} />, header.delete, actions.onDelete), danger: true },
  ];
  return (
    <Menu label={header.more} items={items} testId="session-menu">
      <MoreHorizontal size={18} aria-hidden="true" />
    </Menu>
  );
}

function item(id: string, icon: ReactNode, text: string, onSelect: () => void) {
  return {
    id,
    onSelect,
    label: (
      <>
        <span className="menu-icon" aria-hidden="true">
          {icon}
        </span>
        {text}
      </>
    ),
  };
}
