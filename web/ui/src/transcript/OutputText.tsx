/** What a tool or a resource gave: JSON set out, places in files told apart, anything else as it is. */

import { Fragment } from "react";
import { LongText } from "./LongText";
import { prettyJson } from "./json";
import { placesIn } from "./places";
import { visible } from "./visible";

const STEP = 16_000;

interface Props {
  readonly id: string;
  readonly text: string;
}

export function OutputText({ id, text }: Props) {
  return (
    <LongText id={id} text={prettyJson(text) ?? text} step={STEP}>
      {(shown) => (
        <pre className="output" tabIndex={0} dir="ltr">
          {placesIn(visible(shown)).map(({ place, text: rest }, index) => (
            <Fragment key={index}>
              {place !== "" && <span className="place">{place}</span>}
              {rest}
            </Fragment>
          ))}
        </pre>
      )}
    </LongText>
  );
}
