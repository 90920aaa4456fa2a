// Theme and text size before anything is drawn, from the copy that src/app/preferences.ts keeps.
(() => {
  const root = document.documentElement;
  let chosen = {};
  try {
    chosen = JSON.parse(localStorage.getItem("parley.preferences")) ?? {};
  } catch {
    // Without a copy the defaults are shown.
  }
  const dark = chosen.theme === "dark" || (chosen.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
  root.dataset.fontSize = chosen.fontSize ?? "medium";
})();
