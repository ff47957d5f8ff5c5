import { assert, assertEquals } from "@std/assert";
import { tableText } from "../../mod.ts";
import {
  ALONE,
  compareAttack,
  type Outcome,
  peerRow,
  peerTable,
  type RunAttack,
} from "../../scripts/_autoattack_peer.ts";
import { inTempFolder, runTask } from "./_task.ts";
import { TINY } from "./_tiny_experiment.ts";

/** A Python with torch and numpy, and a copy of the official code; without them what needs them is ignored. */
const PYTHON = Deno.env.get("KDIGA_PEER_PYTHON");
const CODE = Deno.env.get("KDIGA_AUTOATTACK");

/** An attack that breaks the images it is told to, in a second for each that it is given; and what it was asked. */
function breaking(positions: Readonly<Record<string, readonly number[]>>): RunAttack & { readonly asked: string[] } {
  const asked: string[] = [];
  const run: RunAttack = (attack, version, images) => {
    asked.push(`${attack} ${version} ${images}`);
    const standing = images.filter((i) => !(positions[attack] ?? []).includes(i));
    return Promise.resolve({ standing, seconds: images.length });
  };
  return Object.assign(run, { asked });
}

async function all(events: ReturnType<typeof compareAttack>): Promise<[string, Outcome, Outcome][]> {
  const found: [string, Outcome, Outcome][] = [];
  for await (const { attack, ours, theirs } of events) found.push([attack, ours, theirs]);
  return found;
}

Deno.test("compareAttack() lets each side of an ensemble go on with what its own attacks left", async () => {
  const ours = breaking({ "apgd-ce": [1], square: [5] });
  const theirs = breaking({ "apgd-ce": [1, 2], "apgd-t": [3, 5] });
  const found = await all(compareAttack("autoattack", "Linf", [1, 2, 3, 5], [ours, theirs]));
  assertEquals(found, [
    ["autoattack.apgd-ce", { standing: [2, 3, 5], seconds: 4 }, { standing: [3, 5], seconds: 4 }],
    ["autoattack.apgd-t", { standing: [2, 3, 5], seconds: 3 }, { standing: [], seconds: 2 }],
    ["autoattack.fab-t", { standing: [2, 3, 5], seconds: 3 }, { standing: [], seconds: 0 }],
    ["autoattack.square", { standing: [2, 3], seconds: 3 }, { standing: [], seconds: 0 }],
    ["autoattack", { standing: [2, 3], seconds: 13 }, { standing: [], seconds: 6 }],
  ]);
  assertEquals(theirs.asked, ["apgd-ce standard 1,2,3,5", "apgd-t standard 3,5"]);
});

Deno.test("compareAttack() runs every attack of the versions under its published name", async () => {
  const side = breaking({});
  for (const norm of ["Linf", "L2", "L1"] as const) await all(compareAttack("autoattack", norm, [0], [side, side]));
  await all(compareAttack("autoattack-plus", "L2", [0], [side, side]));
  const standard = ["apgd-ce", "apgd-t", "fab-t", "square"].map((name) => `${name} standard 0`);
  const plus = ["apgd-ce", "apgd-dlr", "fab", "square", "apgd-t", "fab-t"].map((name) => `${name} plus 0`);
  const twice = [...standard, ...standard, ...standard, ...plus].flatMap((text) => [text, text]);
  assertEquals(side.asked, twice);
  for (const name of ["fab", "square"] as const) {
    const alone = breaking({ [name]: [0] });
    const found = await all(compareAttack(name, "Linf", [0, 4], [alone, alone]));
    assertEquals(found.map(([attack, { standing }]) => [attack, standing]), [[name, [4]]]);
    assertEquals(alone.asked[0], `${name} ${ALONE[name]} 0,4`);
  }
});

Deno.test("peerTable() puts both sides and their paired difference in a line", () => {
  const row = peerRow("square", "8/255", 10, { standing: [0, 1, 2, 7], seconds: 3 }, {
    standing: [1, 2, 8],
    seconds: 4,
  });
  assertEquals([row.both, row.onlyOurs, row.onlyPeer], [2, 2, 1]);
  const [columns, cells] = [peerTable([row]).columns, peerTable([row]).rows[0]!];
  // Wilson and Newcombe, as tests/core have them.
  assertEquals(Object.fromEntries(columns.map((name, i) => [name, cells[i]])), {
    Attack: "square 8/255",
    n: "10",
    Ours: "40.0 [16.8, 68.7]",
    Official: "30.0 [10.8, 60.3]",
    Difference: "10.0 [-25.6, 42.4]",
    "Only ours": "2",
    "Only official": "1",
    s: "3.0",
    "s official": "4.0",
    Ratio: "0.75",
  });
  assert(tableText(peerTable([row])).includes("square 8/255"));
});

Deno.test("deno task autoattack-peer says what it needs", async () => {
  await inTempFolder(async (folder) => {
    const { code, out, err } = await runTask(folder, "autoattack-peer", "--model", "a.safetensors");
    assertEquals([code, out], [2, ""]);
    assertEquals(
      err,
      "UsageError: Cannot compare without --python: give --model FILE; give --python a Python with torch and numpy, " +
        "and --autoattack a copy of the official code\n",
    );
  });
});

Deno.test({
  name: "deno task autoattack-peer attacks the same network on both sides",
  ignore: PYTHON === undefined || CODE === undefined,
  fn: () =>
    inTempFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/tiny.json`, JSON.stringify(TINY));
      assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
      const model = ["--model", "run/checkpoints/teacher.safetensors", "--n", "40", "--eps", "0.3"];
      const peer = ["--python", PYTHON!, "--autoattack", CODE!, "--attack", "apgd-ce,fab-t", "--json"];
      const { code, out, err } = await runTask(folder, "autoattack-peer", ...model, ...peer);
      assertEquals(code, 0, err);
      const { rows, clean } = JSON.parse(out);
      assertEquals(rows.map(({ attack }: { attack: string }) => attack), ["apgd-ce", "fab-t"]);
      for (const { both, onlyOurs, onlyPeer } of rows) {
        assert(both + onlyOurs < clean && onlyOurs <= 2 && onlyPeer <= 2, out);
      }
    }),
});
