import { assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { CIFAR10_CLASSES, readCifarC, type ReadCifarCOptions } from "../../lib/data/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";
import { npy } from "../testing/npy.ts";
import { corruptedByte, writeCifarC } from "./_tiny_cifar_c.ts";

const FOG: ReadCifarCOptions = {
  name: "cifar10c",
  classes: CIFAR10_CLASSES,
  corruption: "fog",
  severity: 3,
  expectedRecords: 4,
};
const ADVICE =
  "point it at the folder of CIFAR-10-C (or CIFAR-100-C), unpacked, which holds <corruption>.npy and labels.npy";

Deno.test("readCifarC() reads one severity of a corruption, ids as those of the test images", async () => {
  await inTempFolder(async (folder) => {
    await writeCifarC(folder, 4, ["fog", "gaussian_noise"]);
    for (const [corruption, severity] of [["fog", 1], ["fog", 3], ["gaussian_noise", 5]] as const) {
      const { name, ids, labels, imageShape, images } = await readCifarC(`${folder}/`, {
        ...FOG,
        corruption,
        severity,
      });
      assertEquals([name, imageShape], [`cifar10c ${corruption} ${severity} test`, [32, 32, 3]]);
      assertEquals([[...ids], [...labels]], [[0, 1, 2, 3], [0, 1, 2, 3]]);
      assertEquals(images.length, 4 * 3072);
      for (const [i, k] of [[0, 0], [1, 5], [3, 3071]] as const) {
        assertEquals(images[i * 3072 + k], corruptedByte(corruption, 4 * (severity - 1) + i, k));
      }
    }
  });
});

Deno.test("readCifarC() refuses what is missing, of another shape or type, or out of range", async () => {
  await inTempFolder(async (folder) => {
    const failure = async (options: Partial<ReadCifarCOptions> = {}, path = folder) =>
      (await assertRejects(() => readCifarC(path, { ...FOG, ...options }), DataError)).message;
    const missing = (file: string) =>
      `Cannot read corrupted images from "${folder}" as ${file}.npy is missing: ${ADVICE}`;
    assertEquals(
      await failure({}, `${folder}/no`),
      `Cannot read corrupted images as there is no "${folder}/no": ${ADVICE}`,
    );
    assertEquals(await failure(), missing("<corruption>"));
    await writeCifarC(folder, 4, ["fog", "frost"]);
    assertEquals(
      await failure({}, `${folder}/fog.npy`),
      `Cannot read corrupted images from "${folder}/fog.npy" as it is no folder: ${ADVICE}`,
    );
    assertEquals(
      await failure({ corruption: "snow" }),
      `Cannot read "${folder}/snow.npy" as it is not there: use one of fog, frost`,
    );
    assertEquals(
      await failure({ expectedRecords: 3 }),
      `Cannot read "${folder}/fog.npy" as it holds uint8[20,32,32,3] where uint8[15,32,32,3] was expected: ${ADVICE}`,
    );
    await Deno.writeFile(`${folder}/labels.npy`, npy("<f4", [20], new Float32Array(20)));
    assertEquals(
      await failure(),
      `Cannot read "${folder}/labels.npy" as it holds float32[20] where uint8 or int32[20] was expected: ${ADVICE}`,
    );
    await Deno.writeFile(`${folder}/labels.npy`, npy("|u1", [20], new Uint8Array(20).fill(10, 9)));
    assertEquals(
      await failure(),
      `Cannot read "${folder}/labels.npy" as image 9 has the label 10 where 0 to 9 was expected: ` +
        `it is damaged or of another data set; ${ADVICE}`,
    );
    await Deno.remove(`${folder}/labels.npy`);
    assertEquals(await failure(), missing("labels"));
  });
});

Deno.test("readCifarC() refuses severities and names that are none", async () => {
  for (const severity of [0, 6, 1.5]) {
    await assertRejects(
      () => readCifarC("nowhere", { ...FOG, severity }),
      UsageError,
      `Cannot use the severity ${severity}: write an integer from 1 to 5`,
    );
  }
  await assertRejects(
    () => readCifarC("nowhere", { ...FOG, corruption: "../fog" }),
    UsageError,
    'Cannot use the corruption "../fog": write the name of a file without ".npy", such as fog',
  );
});
