import { assertEquals, assertMatch } from "@std/assert";
import { networkReason } from "../../lib/core/mod.ts";
import { withServer } from "../testing/servers.ts";

Deno.test("networkReason() tells what fetch() tells in its cause alone", async () => {
  let closed = "";
  await withServer(() => new Response(), ({ url }) => Promise.resolve(void (closed = url)));
  const error = await fetch(closed).catch((error) => error);
  assertMatch(networkReason(error), /^client error \(Connect\): .*refused/);
  assertEquals(networkReason(new Error("no answer within 30 s")), "no answer within 30 s");
});
