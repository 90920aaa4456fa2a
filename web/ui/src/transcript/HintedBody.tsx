/** A message under the summary that its writer gave it. */

import type { ReactNode } from "react";
import {
  Book,
  Bug,
  CircleAlert,
  CircleCheck,
  FileText,
  Globe,
  Image,
  Info,
  Lightbulb,
  MessageSquare,
  Search,
  Settings,
  Terminal,
  TriangleAlert,
} from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { Fold } from "./Fold";
import type { Hint } from "./hint";
import { visibleLine } from "./visible";

const ICONS: Readonly<Record<string, LucideIcon>> = {
  alert: CircleAlert,
  book: Book,
  bug: Bug,
  check: CircleCheck,
  file: FileText,
  globe: Globe,
  idea: Lightbulb,
  image: Image,
  info: Info,
  search: Search,
  settings: Settings,
  terminal: Terminal,
  warning: TriangleAlert,
};

interface Props {
  readonly id: string;
  readonly hint: Hint;
  readonly kind: string;
  readonly children: () => ReactNode;
}

export function HintedBody({ id, hint, kind, children }: Props) {
  const words = useTexts().transcript;
  const Icon = Object.hasOwn(ICONS, hint.icon) ? ICONS[hint.icon] : MessageSquare;
  const text = hint.summary === "" ? words.unknownKind(kind.replaceAll("_", " ")) : visibleLine(hint.summary);
  const line = (
    <>
      {Icon !== undefined && <Icon size={15} aria-hidden="true" className="kind-icon" />}
      <span className="hint-summary" dir="auto">
        {text}
      </span>
    </>
  );
  return (
    <Fold id={`${id} hint`} open={!hint.collapsed} summary={line}>
      {children}
    </Fold>
  );
}
