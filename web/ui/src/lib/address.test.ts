import { expect, test } from "vitest";
import { hashOf, parseAddress } from "./address";

test.each([
  ["", null, null],
  ["#", null, null],
  ["#abc", "abc", null],
  ["#abc/17", "abc", 17],
  ["#abc/0", "abc", null],
  ["#abc/x", "abc", null],
  ["#abc/12345678901", "abc", null],
  ["#a%2Fb/2", "a/b", 2],
  ["#%E0%A4%A/2", "%E0%A4%A", 2],
])("the address %s names the session %s at %s", (hash, sessionId, position) => {
  expect(parseAddress(hash)).toEqual({ sessionId, position });
});

test.each([
  { sessionId: null, position: null },
  { sessionId: "abc", position: null },
  { sessionId: "a/b", position: 3 },
])("%o comes back from its address", (address) => {
  expect(parseAddress(hashOf(address))).toEqual(address);
});
