import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { canonicalJson, type EvidenceRow, ExperimentError, hash8, type StepRow } from "../../lib/core/mod.ts";
import { openEvidence, openRunFolder, openSteps, runName } from "../../lib/experiments/mod.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const namesIn = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();

Deno.test("runName() is the name and the hash, which any change of the experiment changes", async () => {
  const name = await runName(TINY);
  assertMatch(name, /^tiny-[0-9a-f]{8}$/);
  const { name: _, ...rest } = TINY;
  assertEquals(await runName({ ...rest, name: "tiny" }), name, "the order of keys does not matter");
  const other = { ...TINY, seed: 4 };
  assertNotEquals(await runName(other), name);
});

Deno.test("openRunFolder() makes a folder with the experiment, and opens it again", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/deep/run`;
    const { hash, file } = await openRunFolder(TINY, path);
    assertEquals([hash, file("checkpoints", "a.json")], [await hash8(TINY), `${path}/checkpoints/a.json`]);
    assertEquals(await namesIn(path), ["experiment.json"]);
    assertEquals(await Deno.readTextFile(`${path}/experiment.json`), `${canonicalJson(TINY)}\n`);
    assertEquals((await openRunFolder(TINY, path)).hash, hash);
  });
});

Deno.test("openRunFolder() refuses another experiment, files that are no run, and an experiment.json that is none", async () => {
  await inTempFolder(async (folder) => {
    await openRunFolder(TINY, `${folder}/run`);
    const other = { ...TINY, seed: 4 };
    await assertRejects(
      () => openRunFolder(other, `${folder}/run`),
      ExperimentError,
      `Cannot run the experiment "tiny" (${await hash8(other)}) in "${folder}/run" as another one lies there ` +
        `(${await hash8(TINY)}): choose another --out`,
    );
    await assertRejects(
      () => openRunFolder(TINY, folder),
      ExperimentError,
      `Cannot run in "${folder}" as it holds files but no experiment.json: choose another --out`,
    );
    assertEquals(await namesIn(folder), ["run"]);
    await Deno.writeTextFile(`${folder}/run/experiment.json`, "{");
    await assertRejects(
      () => openRunFolder(TINY, `${folder}/run`),
      ExperimentError,
      `Cannot read "${folder}/run/experiment.json" as it is not JSON: choose another --out, or remove the folder`,
    );
  });
});

Deno.test("openRunFolder() removes what a killed process left unfinished, and nothing else", async () => {
  await inTempFolder(async (folder) => {
    // Killed before it had its experiment.json.
    await Deno.writeTextFile(`${folder}/experiment.json.0123abcd.tmp`, "{");
    await openRunFolder(TINY, folder);
    await Deno.mkdir(`${folder}/checkpoints`);
    const left = ["steps.csv.0123abcd.tmp", "checkpoints/a.json.89abcdef.tmp"];
    const own = ["notes.tmp", "checkpoints/a.json", "x.0123abcd.tmp.txt"];
    for (const name of [...left, ...own]) await Deno.writeTextFile(`${folder}/${name}`, "");
    await openRunFolder(TINY, folder);
    assertEquals(await namesIn(folder), ["checkpoints", "experiment.json", "notes.tmp", "x.0123abcd.tmp.txt"]);
    assertEquals(await namesIn(`${folder}/checkpoints`), ["a.json"]);
  });
});

const step = (method: string, step: number): StepRow => ({
  method,
  step,
  epoch: 0,
  learningRate: 0.1,
  loss: 1.5,
  terms: { ce: 1.5 },
});

Deno.test("openSteps() appends, keeps the rows that it is told to, and mends a torn line", async () => {
  await inTempFolder(async (path) => {
    const folder = await openRunFolder(TINY, path);
    const open = (keep: (row: StepRow) => boolean) => openSteps(folder, ["ce", "kl"], keep);
    const first = await open(() => true);
    assertEquals(first.rows, []);
    await first.append([step("a", 0), step("a", 1)]);
    await first.append([]);
    await first.append([step("a", 2)]);
    const text = await Deno.readTextFile(`${path}/steps.csv`);
    assertEquals(
      text,
      "method,step,epoch,learningRate,loss,ce,kl\na,0,0,0.1,1.5,1.5,\na,1,0,0.1,1.5,1.5,\na,2,0,0.1,1.5,1.5,\n",
    );
    await Deno.writeTextFile(`${path}/steps.csv`, text + "a,3,0,0.");
    const again = await open((row) => row.step < 2);
    assertEquals(again.rows, [step("a", 0), step("a", 1)]);
    await again.append([step("a", 2)]);
    assertEquals(await Deno.readTextFile(`${path}/steps.csv`), text);
  });
});

Deno.test("openEvidence() mends a file that was cut anywhere", async () => {
  await inTempFolder(async (path) => {
    const folder = await openRunFolder(TINY, path);
    const row = (image: number): EvidenceRow => ({
      method: "a",
      attack: "clean",
      eps: "0",
      image,
      label: 1,
      cleanMargin: 0.5,
      margin: 0.5,
      success: 0,
      firstStep: "",
      seed: 1,
    });
    await (await openEvidence(folder)).append([row(0), row(1), row(2)]);
    const text = await Deno.readTextFile(`${path}/evidence.csv`);
    for (let length = 0; length <= text.length; length++) {
      await Deno.writeTextFile(`${path}/evidence.csv`, text.slice(0, length));
      const { rows, append } = await openEvidence(folder);
      await append([row(0), row(1), row(2)].slice(rows.length));
      assertEquals(await Deno.readTextFile(`${path}/evidence.csv`), text, `cut at ${length}`);
    }
  });
});
