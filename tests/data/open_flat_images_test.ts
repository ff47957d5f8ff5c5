import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { decodeDataset, openFlatImages, readImagenet } from "../../lib/data/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";
import { fileOf } from "./_pillow.ts";
import { tar } from "./_tiny_cifar10.ts";

const FILES: [string, Uint8Array][] = [["v_2.JPEG", fileOf("rgb.jpg")], ["v_1.JPEG", fileOf("grey.jpg")], [
  "v_3.JPEG",
  fileOf("rgb.jpg"),
]];
const FORM = 'write a line per image, "ILSVRC2012_val_00000001.JPEG n01751748", as in val.txt or LOC_val_solution.csv';

Deno.test("openFlatImages() labels by lines of names and classes, in a folder or an archive", async () => {
  await inTempFolder(async (root) => {
    await Deno.mkdir(`${root}/val`);
    for (const [name, bytes] of FILES) await Deno.writeFile(`${root}/val/${name}`, bytes);
    await Deno.writeTextFile(`${root}/val/notes.txt`, "no image");
    await Deno.writeFile(`${root}/val.tar`, tar(FILES));
    const labels = `${root}/labels`;
    await Deno.writeTextFile(`${root}/classes.txt`, "n03 newt\nn01 tench\nn02 eel\n");
    const open = async (text: string, path = "val", isListed = true) => {
      await Deno.writeTextFile(labels, text);
      const list = isListed ? { classList: `${root}/classes.txt` } : {};
      return await openFlatImages(`${root}/${path}`, { name: "flat", labels, ...list });
    };
    const caffe = "v_1.JPEG 0\nval/v_2.JPEG 2\nv_3.JPEG 0\nabsent.JPEG 1\n";
    const kaggle = "ImageId,PredictionString\nv_3,n03 1 2 3 4 n03 5 6 7 8\nv_2,n02 1 2 3 4\nv_1,n03 1 2 3 4\n";
    for (const text of [caffe, kaggle, "v_1\tn03\r\nv_2\tn02\r\nv_3\tn03\r\n"]) {
      for (const path of ["val", "val.tar"]) {
        const { classes, ids, labels, places, ignored } = await open(text, path);
        assertEquals([classes, [...ids], [...labels]], [["newt", "tench", "eel"], [0, 1, 2], [0, 2, 0]]);
        assertEquals(places.map(({ name }) => name.slice(-8)), ["v_1.JPEG", "v_2.JPEG", "v_3.JPEG"]);
        assertEquals(ignored, path === "val" ? 1 : 0);
      }
    }
    const view = { kind: "centre", size: 4, resize: 5 } as const;
    const [folder, archive] = [await open(caffe), await open(caffe, "val.tar")];
    const { dataset } = await decodeDataset(folder, { view, workers: 1 });
    assertEquals((await decodeDataset(archive, { view, workers: 1 })).dataset, dataset);
    assertEquals((await open(kaggle, "val", false)).classes, ["n02", "n03"]);
    assertEquals((await open(caffe, "val", false)).classes, ["0", "1", "2"]);
    const failure = async (text: string) => (await assertRejects(() => open(text), DataError)).message;
    assertEquals(
      await failure("1\n2\n3\n"),
      `Cannot read labels from "${labels}" as "1" names no image and class: ${FORM}`,
    );
    assertEquals(await failure(""), `Cannot read labels from "${labels}" as it is empty: ${FORM}`);
    assertEquals(
      await failure("v_1 0\nv_3 1\n"),
      `Cannot label "${root}/val/v_2.JPEG" as "${labels}" has no line for it: ${FORM}`,
    );
    for (const wrong of ["3", "n09"]) {
      assertEquals(
        await failure(`v_1 0\nv_2 ${wrong}\n`),
        `Cannot label "${root}/val/v_2.JPEG" as its class "${wrong}" in "${labels}" is none of the 3 of ` +
          `"${root}/classes.txt": take the list that belongs to it`,
      );
    }
  });
});

Deno.test("readImagenet() reads ILSVRC2012_img_val.tar by the labels beside it, and says which are needed", async () => {
  await inTempFolder(async (path) => {
    await Deno.writeFile(`${path}/ILSVRC2012_img_val.tar`, tar(FILES));
    const spec = { seed: 1, size: 4, classes: 2, trainCount: 0 } as const;
    const failure = async () => (await assertRejects(() => readImagenet(path, spec), DataError)).message;
    const message = (devkit: string) =>
      `Cannot label the images of "${path}/ILSVRC2012_img_val.tar" as they have no class folders and there is no ` +
      `val.txt or LOC_val_solution.csv in "${path}"${devkit}: ` +
      'write a line per image there, "ILSVRC2012_val_00000001.JPEG n01751748"';
    assertEquals(await failure(), message(""));
    await Deno.writeTextFile(`${path}/ILSVRC2012_validation_ground_truth.txt`, "490\n361\n171\n");
    assertEquals(
      await failure(),
      message(
        ' ("ILSVRC2012_validation_ground_truth.txt" does not do, as it numbers the classes in the order of the devkit\'s ' +
          "meta.mat)",
      ),
    );
    await Deno.writeTextFile(`${path}/val.txt`, "v_1.JPEG n02\nv_2.JPEG n01\nv_3.JPEG n02\n");
    const { test } = await readImagenet(path, spec);
    assertEquals([test.classes, [...test.labels]], [["n01", "n02"], [1, 0, 1]]);
  });
});
