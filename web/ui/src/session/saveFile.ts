/** Hands a text to the browser as a file to keep. */

export function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/markdown;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then; without this the text would stay in memory.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
