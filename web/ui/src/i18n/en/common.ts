/** Words that stand in more than one place. */

export const common = {
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  undo: "Undo",
  retry: "Try again",
  untitled: "Untitled",
};
