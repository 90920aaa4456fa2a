/** Copies a text and says so for a moment. */

import { useEffect, useState } from "react";
import { Check, Copy } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { copyText } from "./clipboard";

const SAID_MS = 1_600;

interface Props {
  /** Given as a function where making it costs something. */
  readonly text: string | (() => string);
  readonly label: string;
  readonly icon?: LucideIcon;
}

export function CopyButton({ text, label, icon: Icon = Copy }: Props) {
  const texts = useTexts().transcript;
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void copyText(typeof text === "string" ? text : text()).then(setCopied);
  return (
    <IconButton label={copied ? texts.copied : label} className="small" onClick={copy} data-testid="copy">
      {copied ? <Check size={14} /> : <Icon size={14} />}
    </IconButton>
  );
}
