/** Words that stand in more than one place. */

export const common = {
  /** What Intl is asked for. */
  locale: "en",
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  undo: "Undo",
  retry: "Try again",
  untitled: "Untitled",
  dismiss: "Dismiss",
  delete: "Delete",
  rename: "Rename",
  loading: "Loading…",
};
