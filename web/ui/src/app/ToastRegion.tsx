/** Where toasts show: one region that a screen reader reads out when it has time. */

import { X } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { useSignal } from "../lib/hooks";
import { toasts as pageToasts } from "../lib/toasts";
import type { Toast, Toasts } from "../lib/toasts";

export function ToastRegion({ toasts = pageToasts }: { toasts?: Toasts }) {
  const shown = useSignal(toasts.changes, () => toasts.shown);
  return (
    <div
      className="toasts"
      role="status"
      aria-live="polite"
      onMouseEnter={() => toasts.hold()}
      onMouseLeave={() => toasts.release()}
      onFocus={() => toasts.hold()}
      onBlur={() => toasts.release()}
    >
      {shown.map((toast) => (
        <ToastLine key={toast.id} toast={toast} onEnd={() => toasts.dismiss(toast.id)} />
      ))}
    </div>
  );
}

function ToastLine({ toast: { text, tone, action }, onEnd }: { toast: Toast; onEnd: () => void }) {
  const texts = useTexts().common;
  const act = () => {
    onEnd();
    action?.run();
  };
  return (
    <div className="toast" data-tone={tone} data-testid="notice">
      <span>{text}</span>
      {action && (
        <button type="button" className="quiet" onClick={act}>
          {action.label}
        </button>
      )}
      <IconButton label={texts.dismiss} onClick={onEnd}>
        <X size={14} />
      </IconButton>
    </div>
  );
}
