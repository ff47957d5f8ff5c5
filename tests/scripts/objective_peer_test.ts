import { assert, assertEquals } from "@std/assert";
import { createEngine, objectiveOf } from "../../mod.ts";
import type { TorchPeer } from "../../scripts/_check_torch.ts";
import {
  checkStep,
  COMPARED,
  SMALL,
  startObjectivePeer,
  type StepRow,
  stepTable,
  stepVerdict,
  termError,
} from "../../scripts/_objective_peer.ts";
import { inTempFolder, runTask } from "./_task.ts";

/** A Python with torch; without it what needs it is ignored. */
const PYTHON = Deno.env.get("KDIGA_PEER_PYTHON");

const row = (gradient: number, termError = 1e-7, buffers = 1e-7, parameters = 1e-6): StepRow => ({
  method: "trades",
  activation: "relu",
  terms: { ce: 2.5, kl: 0.25 },
  termError,
  gradient,
  worst: "bn1.bias",
  parameters,
  buffers,
  peerGradient: 2e-5,
  seconds: 1.25,
  peerSeconds: 2,
});

Deno.test("termError() is the largest difference of a term over the loss, not a number where names differ", () => {
  assertEquals(termError({ ce: 3.5, kl: 1 }, { ce: 3, kl: 1 }), 0.125);
  assertEquals(termError({ ce: 3.5 }, { ce: 3, kl: 1 }), NaN);
  assertEquals(termError({ ce: NaN, kl: 1 }, { ce: 3, kl: 1 }), NaN);
});

Deno.test("stepVerdict() lets pass what only ReLU's kinks explain, and nothing else", () => {
  const good = row(1e-5);
  assertEquals(stepVerdict(good, good), "ok");
  assertEquals(stepVerdict(row(2e-3), good), "kinks");
  assertEquals(stepVerdict(row(1e-5, 1e-7, 1e-7, 2e-3), good), "kinks");
  assertEquals(stepVerdict(good, row(2e-3)), "broken");
  assertEquals(stepVerdict(row(1e-5, 2e-4), good), "broken");
  assertEquals(stepVerdict(row(1e-5, 1e-7, 2e-4), good), "broken");
  assertEquals(stepVerdict(good, row(NaN)), "broken");
});

Deno.test("stepTable() gives terms and errors, the gradient's beside that of PyTorch in float32", () => {
  const { columns, rows } = stepTable([row(1e-5)]);
  assertEquals(rows[0]!.length, columns.length);
  assertEquals(rows[0], [
    "trades",
    "relu",
    "ce 2.50, kl 0.250",
    "1.0e-7",
    "1.0e-5 / 2.0e-5",
    "bn1.bias",
    "1.0e-6",
    "1.0e-7",
    "1.3 / 2.0",
  ]);
});

Deno.test("objective-peer has objectives that can be trained with", () => {
  for (const spec of Object.values(COMPARED)) objectiveOf(spec);
});

Deno.test("deno task objective-peer says what it needs", async () => {
  await inTempFolder(async (folder) => {
    const without = await runTask(folder, "objective-peer");
    assertEquals([without.code, without.out], [2, ""]);
    assertEquals(without.err, "UsageError: Cannot check without --python: give --python a Python with torch 2\n");
  });
});

const withPython = (name: string, fn: (python: string) => Promise<void>) =>
  Deno.test({ name, ignore: PYTHON === undefined, fn: () => fn(PYTHON!) });

withPython("checkStep() sees a loss that is a little another one", (python) =>
  inTempFolder(async (folder) => {
    await using engine = await createEngine("reference");
    await using peer = await startObjectivePeer(python, 1);
    const spec = COMPARED.kd!;
    const wrong: TorchPeer = {
      ...peer,
      ask: (request) => peer.ask({ ...request, objective: { ...spec, alpha: 0.905 } }),
    };
    const [right, other] = [
      await checkStep(engine, peer, "kd", spec, SMALL, "softplus", folder),
      await checkStep(engine, wrong, "kd", spec, SMALL, "softplus", folder),
    ];
    assertEquals([stepVerdict(right, right), stepVerdict(other, other)], ["ok", "broken"]);
    assert(other.gradient > 1e-3, `${other.gradient}`);
  }));

withPython("deno task objective-peer --small keeps all bounds", (python) =>
  inTempFolder(async (folder) => {
    const { code, out, err } = await runTask(folder, "objective-peer", "--python", python, "--small", "--json");
    assertEquals(code, 0, err);
    assertEquals(Object.keys(JSON.parse(out).verdicts), Object.keys(COMPARED));
  }));
