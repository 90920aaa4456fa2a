/** The elements of the virtual list, styled so that whatever is on the page can be clicked and can take the focus. */

import type { CSSProperties } from "react";
import type { CustomContainerComponentProps, CustomItemComponentProps } from "virtua";

/** Takes clicks while it scrolls, too: a reply that is being written scrolls it all the time. */
export function ListElement({ style, ref, children }: CustomContainerComponentProps) {
  return (
    <div style={{ ...style, pointerEvents: undefined }} ref={ref}>
      {children}
    </div>
  );
}

/** Until it was measured, for a frame or more, it is not to be seen. Were it `hidden` it would take no focus meanwhile:
 * a focus put there would stay nowhere, and what is typed next would be lost. */
export function ItemElement({ style, ref, children }: CustomItemComponentProps) {
  return (
    <div style={style.visibility === "hidden" ? unseen(style) : style} ref={ref}>
      {children}
    </div>
  );
}

function unseen(style: CSSProperties): CSSProperties {
  return { ...style, visibility: undefined, opacity: 0, pointerEvents: "none" };
}
