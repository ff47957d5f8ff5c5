import { assert, assertEquals, assertMatch } from "@std/assert";
import { inTempFolder, runTask } from "./_task.ts";

Deno.test("reproduce stores rows, finds the same bits without running again, and tells rows that differ", async () => {
  await inTempFolder(async (folder) => {
    const args = ["quickstart-curve", "--small", "--results", "stored"];
    const none = await runTask(folder, "reproduce", ...args);
    assertEquals([none.code, none.err.trimEnd()], [
      2,
      'UsageError: Cannot compare "quickstart-curve" as there is no "stored/quickstart-curve-small/rows.csv": ' +
      "write --store to make it",
    ]);
    const stored = await runTask(folder, "reproduce", ...args, "--store");
    assertEquals(stored.code, 0, stored.err);
    const same = await runTask(folder, "reproduce", ...args, "--json");
    assertEquals([same.code, same.err], [0, ""], "nothing is run again");
    const { compared, files } = JSON.parse(same.out);
    assertEquals([...new Set(compared.map(({ verdict }: { verdict: string }) => verdict))], ["same bits"]);
    assertEquals(compared.length, 12);
    for (const file of files) assert((await Deno.stat(`${folder}/${file}`)).size > 0);

    const path = `${folder}/stored/quickstart-curve-small/rows.csv`;
    const lines = (await Deno.readTextFile(path)).split("\n");
    // Half of the images in [0, 1] and all of them in [0.9, 1]; found are a tenth or so.
    lines[1] = lines[1]!.replace(/,64,.*/, ",64,32,0.5,0,1");
    lines[2] = lines[2]!.replace(/,64,.*/, ",64,64,1,0.9,1");
    await Deno.writeTextFile(path, lines.join("\n"));
    const changed = await runTask(folder, "reproduce", ...args);
    assertEquals(changed.code, 1, changed.err);
    assertMatch(changed.out, /^teacher +clean +0 +50\.00 +[\d.]+ +within interval$/m);
    assertMatch(changed.out, /^teacher +pgd-5 +1\/255 +100\.00 +[\d.]+ +different$/m);
    const unknown = await runTask(folder, "reproduce", "figure-1");
    assertEquals(unknown.code, 2);
    assertMatch(
      unknown.err,
      /^UsageError: Cannot reproduce "figure-1" as it is not known: write one of quickstart-table/,
    );
  });
});
