/** Turns many changes into one per frame, so that a burst of events costs one rendering. */

// Without frames (a hidden tab) a change is still shown now and then: the title and a screen reader depend on it.
const HIDDEN_MS = 500;

/** `run` is called once after any number of calls of `request`; `cancel` forgets an outstanding one. */
export function perFrame(run: () => void): { request: () => void; cancel: () => void } {
  let frame = 0;
  let timer = 0;
  const cancel = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = 0;
  };
  const fire = () => {
    cancel();
    run();
  };
  const request = () => {
    if (frame !== 0) return;
    frame = requestAnimationFrame(fire);
    timer = window.setTimeout(fire, HIDDEN_MS);
  };
  return { request, cancel };
}
