import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseArgs } from "@std/cli";
import { parseArgs as sameParseArgs } from "@std/cli/parse-args";
import { ProgressBar } from "@std/cli/unstable-progress-bar";

Deno.test("parseArgs() reads flags, numbers and the rest", () => {
  assertEquals({ ...parseArgs(["--foo", "--bar=baz", "--n", "5", "./quux.txt", "7"]) }, {
    foo: true,
    bar: "baz",
    n: 5,
    _: ["./quux.txt", 7],
  });
  assertEquals(parseArgs(["--x=-3e2"]).x, -300);
  assertEquals(parseArgs(["a", "--", "--b"])._, ["a", "--b"]);
  assertEquals(parseArgs(["a", "--", "--b"], { "--": true })["--"], ["--b"]);
  assertEquals(sameParseArgs, parseArgs);
});

Deno.test("parseArgs() reads strings, booleans, collections, defaults, aliases and negation", () => {
  const parse = (...args: string[]) =>
    parseArgs(args, {
      string: ["data", "eps", "steps"],
      boolean: ["verbose", "figures"],
      collect: ["eps"],
      default: { steps: "10", figures: true },
      alias: { data: "d" },
      negatable: ["figures"],
    });
  const flags = parse("--eps", "8/255", "--eps=4/255", "-d", "05", "--verbose", "run", "--no-figures");
  const data: string | undefined = flags.data;
  const steps: string = flags.steps;
  const eps: string[] = flags.eps;
  const verbose: boolean = flags.verbose;
  assertEquals([data, steps, eps, verbose, flags.figures, flags.d], [
    "05",
    "10",
    ["8/255", "4/255"],
    true,
    false,
    "05",
  ]);
  assertEquals(flags._, ["run"]);
  const none = parse();
  assertEquals([none.data, none.eps, none.verbose, none.figures], [undefined, [], false, true]);
  assertEquals(parse("--data").data, "");
  assertEquals(parse("--data", "a", "--data", "b").data, "b");
  assertEquals(parse("--verbose=false").verbose, false);
  assertEquals(parse("--verbose", "true", "x")._, ["x"]);
});

Deno.test("parseArgs() reads short flags together", () => {
  const flags = parseArgs(["-ab", "-n5", "-o=out", "-c", "next"]);
  assertEquals({ ...flags }, { a: true, b: true, n: 5, o: "out", c: "next", _: [] });
});

Deno.test("parseArgs() tells of unknown flags", () => {
  const told: unknown[] = [];
  const flags = parseArgs(["--known=1", "--other", "x", "rest"], {
    string: ["known"],
    unknown: (arg, key, value) => {
      told.push([arg, key, value]);
      return false;
    },
  });
  assertEquals(told, [["--other", "other", "x"], ["rest", undefined, undefined]]);
  assertEquals({ ...flags }, { known: "1", _: [] });
});

Deno.test("ProgressBar draws at the start and at the end", async () => {
  let drawn = "";
  const decoder = new TextDecoder();
  const writable = new WritableStream<Uint8Array>({ write: (chunk) => void (drawn += decoder.decode(chunk)) });
  const bar = new ProgressBar({
    writable,
    max: 4,
    barLength: 8,
    formatter: (x) => `[${x.styledTime}] ${x.progressBar} ${x.value}/${x.max}`,
  });
  bar.value += 1;
  await bar.stop();
  assertStringIncludes(drawn, "\r\x1b[K[00:00] -------- 0/4");
  assertMatch(drawn, /\[00:00\] ##------ 1\/4\n$/);
});

Deno.test("ProgressBar counts bytes where no formatter is given, and clears itself where asked to", async () => {
  let drawn = "";
  const decoder = new TextDecoder();
  const writable = new WritableStream<Uint8Array>({ write: (chunk) => void (drawn += decoder.decode(chunk)) });
  await new ProgressBar({ writable, max: 100_000, value: 410, barLength: 4, clear: true }).stop();
  assertStringIncludes(drawn, "[00:00] [----] [0.40/97.66 KiB]");
  assertEquals(drawn.endsWith("\r\x1b[K"), true);
});
