import { assertThrows } from "@std/assert";
import { refusePromises } from "../../lib/engine/refuse_promises.ts";

Deno.test("promises are refused wherever they are in a tree, and do not fail unseen", () => {
  for (const wrap of [(p: unknown) => p, (p: unknown) => ({ a: [1, { b: p }] })]) {
    const promise = Promise.reject(new Error("nobody waits for it"));
    assertThrows(() => refusePromises("f", wrap(promise)), TypeError, 'Cannot use the asynchronous function "f"');
  }
});

Deno.test("trees without promises pass", () => {
  for (const result of [undefined, null, 1, { a: [new Date(), null] }, []]) refusePromises("f", result);
});
