import { assert, assertEquals, assertRejects } from "@std/assert";
import { createEngine, DataError, float32, MODELS } from "../../mod.ts";
import {
  activationOf,
  checkNetwork,
  type CheckRow,
  checkTable,
  relativeErrors,
  smoothed,
  startTorch,
  type TorchPeer,
  verdictOf,
} from "../../scripts/_check_torch.ts";
import { FAMILIES } from "../../scripts/_check_torch_families.ts";
import { openKept } from "../../scripts/_check_torch_kept.ts";
import { inTempFolder, runTask } from "./_task.ts";

/** A Python with torch; without it what needs it is ignored. */
const PYTHON = Deno.env.get("KDIGA_PEER_PYTHON");

const row = (inputGradient: number, parameterGradient: number, logits = 1e-6): CheckRow => ({
  family: "a",
  activation: "relu",
  images: 2,
  parameters: 7,
  reference: "own definition",
  logits,
  inputGradient,
  peerLogits: 1e-6,
  peerInputGradient: 1e-5,
  parameterGradients: [
    { mode: "eval", error: 1e-5, worst: "fc.bias", peerError: 2e-5, alignmentShare: 0.5 },
    { mode: "train", error: parameterGradient, worst: "conv1.weight", peerError: 4e-2, alignmentShare: 0.25 },
  ],
  missed: [],
  seconds: 1.25,
  peerSeconds: 2,
});

Deno.test("relativeErrors() is the largest difference over the largest entry of the other, array by array", () => {
  const theirs = {
    a: float32([2], [1, -4]),
    zero: float32([2], [1e-12, 0]),
    gone: float32([1], [1]),
    bent: float32([2], [1, 1]),
    broken: float32([1], [1]),
  };
  const ours = {
    a: float32([2], [1.5, -4]),
    zero: float32([2], [0, 1]),
    bent: float32([1, 2], [1, 1]),
    broken: float32([1], [NaN]),
    more: float32([1], [1]),
  };
  assertEquals(relativeErrors(ours, theirs), { a: 0.125, zero: 0.25, bent: NaN, broken: NaN, more: NaN, gone: NaN });
});

Deno.test("verdictOf() lets pass what only ReLU's kinks explain, and nothing else", () => {
  assertEquals(verdictOf(row(1e-3, 1e-3), row(1e-5, 1e-5)), "ok");
  assertEquals(verdictOf(row(1e-5, 2e-3), row(1e-5, 1e-5)), "kinks");
  assertEquals(verdictOf(row(2e-3, 1e-5), row(1e-5, 1e-5)), "kinks");
  assertEquals(verdictOf(row(1e-5, 2e-3), undefined), "broken");
  assertEquals(verdictOf(row(1e-5, 1e-5), row(1e-5, 2e-3)), "broken");
  assertEquals(verdictOf(row(1e-5, 1e-5, 2e-4), row(1e-5, 1e-5)), "broken");
  assertEquals(verdictOf(row(1e-5, NaN), undefined), "broken");
  assertEquals(verdictOf(row(1e-5, NaN), row(1e-5, 1e-5)), "broken");
  assertEquals(verdictOf(row(1e-5, 1e-5), row(NaN, 1e-5)), "broken");
});

Deno.test("checkTable() gives each error beside that of PyTorch in float32", () => {
  const { columns, rows } = checkTable([row(1e-5, 3e-3)]);
  assertEquals(rows[0]!.length, columns.length);
  assertEquals(rows[0]!.slice(5), [
    "1.0e-6 / 1.0e-6",
    "1.0e-5 / 1.0e-5",
    "1.0e-5 / 2.0e-5",
    "fc.bias",
    "3.0e-3 / 4.0e-2",
    "conv1.weight",
    "0.50 0.25",
    "1.3",
    "2.0",
  ]);
});

Deno.test("check:torch has every kind of network, each once by its name, in full and small", () => {
  assertEquals(new Set(FAMILIES.map(({ name }) => name)).size, FAMILIES.length);
  for (const size of ["full", "small"] as const) {
    assertEquals([...new Set(FAMILIES.map((family) => family[size].spec.kind))].sort(), Object.keys(MODELS).sort());
  }
});

Deno.test("openKept() keeps what was found, by whom and on how many images, and not what is broken", () =>
  inTempFolder(async (folder) => {
    const path = `${folder}/found.json`;
    const ok = { family: "a", verdict: "ok", rows: [row(1e-5, 1e-5)] } as const;
    const first = await openKept(path, "tensorflow");
    assertEquals(first.of("a", 2), undefined);
    await first.add(ok);
    await first.add({ ...ok, family: "b", verdict: "broken" });
    const again = await openKept(path, "tensorflow");
    assertEquals([again.of("a", 2)?.rows, again.of("a", 1), again.of("b", 2)], [ok.rows, undefined, undefined]);
    await again.add({ ...ok, family: "b" });
    const other = await openKept(path, "onnxruntime");
    assertEquals([other.of("a", 2), other.of("b", 2)], [undefined, undefined]);
    await other.add(ok);
    const last = await openKept(path, "tensorflow");
    assertEquals([last.of("a", 2)?.verdict, last.of("b", 2)?.verdict], ["ok", "ok"]);
    assertEquals(JSON.parse(await Deno.readTextFile(path)).length, 3);
    await Deno.writeTextFile(path, `{"family": "a"}`);
    await assertRejects(
      () => openKept(path, "tensorflow"),
      DataError,
      `Cannot go on from "${path}" as it is no file of check:torch: choose another one, or delete it`,
    );
  }));

Deno.test("openKept() without a path keeps nothing", async () => {
  const kept = await openKept(undefined, "tensorflow");
  await kept.add({ family: "a", verdict: "ok", rows: [row(1e-5, 1e-5)] });
  assertEquals(kept.of("a", 2), undefined);
});

Deno.test("smoothed() puts softplus in the place of what has kinks", () => {
  for (const { full } of FAMILIES) {
    const smooth = smoothed(full);
    assertEquals(smooth === undefined, full.spec.kind === "vit");
    if (smooth) assertEquals([activationOf(smooth.spec), smooth.shape], ["softplus", full.shape]);
  }
});

Deno.test("deno task check:torch says what it needs", async () => {
  await inTempFolder(async (folder) => {
    const without = await runTask(folder, "check:torch");
    assertEquals([without.code, without.out], [2, ""]);
    assertEquals(without.err, "UsageError: Cannot check without --python: give --python a Python with torch 2\n");
    const { code, out, err } = await runTask(
      folder,
      "check:torch",
      "--python",
      Deno.execPath(),
      "--engine",
      "reference",
    );
    assertEquals([code, out], [1, ""]);
    const last = err.trimEnd().split("\n").at(-1)!;
    assert(last.startsWith(`DataError: Cannot compare with "${Deno.execPath()}" as it ended (`), err);
    assert(last.endsWith("): give --python a Python with torch 2"), err);
  });
});

const withPython = (name: string, fn: (python: string) => Promise<void>) =>
  Deno.test({ name, ignore: PYTHON === undefined, fn: () => fn(PYTHON!) });

withPython("checkNetwork() sees a loss that is a little another one", (python) =>
  inTempFolder(async (folder) => {
    await using engine = await createEngine("reference");
    await using peer = await startTorch(python, 1);
    const wrong: TorchPeer = {
      ...peer,
      ask: (request) =>
        peer.ask(request.step === "kdiga" ? { ...request, weight: 1.01 * Number(request.weight) } : request),
    };
    const family = FAMILIES.find(({ name }) => name === "mlp")!;
    const member = smoothed(family.small)!;
    const [right, other] = [
      await checkNetwork(engine, peer, family, member, 2, folder),
      await checkNetwork(engine, wrong, family, member, 2, folder),
    ] as CheckRow[];
    assertEquals([verdictOf(right!, undefined), verdictOf(other!, undefined)], ["ok", "broken"]);
    assert(right!.parameterGradients[0]!.alignmentShare > 0.3);
  }));

withPython("deno task check:torch --small keeps all bounds", (python) =>
  inTempFolder(async (folder) => {
    const { code, out, err } = await runTask(folder, "check:torch", "--python", python, "--small", "--json");
    assertEquals(code, 0, err);
    const { verdicts, missing } = JSON.parse(out);
    assertEquals(Object.keys(verdicts).length + missing.length, FAMILIES.length);
  }));
