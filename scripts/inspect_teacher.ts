/**
 * Inspects a saved teacher before distillation.
 *
 * @module
 */
import {
  createEngine,
  inspectTeacher,
  loadWeights,
  MAX_EPS,
  parseEpsList,
  type SavedModel,
  type TeacherInspection,
  teacherTable,
  UsageError,
} from "../mod.ts";
import { attacksOf } from "./_attacks.ts";
import { runCommand } from "./_command.ts";
import { dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf } from "./_flags.ts";
import { followTo } from "./_follow.ts";
import { IMAGE_FLAGS, imagesOf } from "./_images.ts";
import { loadOptionsOf, MODEL_FLAGS } from "./_model.ts";
import { nameOf } from "./_models.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "inspect-teacher",
  about: `Inspect a teacher that was saved with its model card, before students are taught by it: accuracy, calibration
and entropy on clean images, on adversarial images of its own, and on those made on students (how far they transfer);
its input gradients and how far its loss is from linear. A table, and a reliability diagram.`,
  flags: {
    model: { value: "FILE", help: "weights of the teacher (needed)" },
    student: { value: "FILE", many: true, help: "weights of a student to make images on (may be given several times)" },
    surrogate: { help: "teach a small network for a short while, and make images on it" },
    ...MODEL_FLAGS,
    attack: {
      value: "NAME",
      many: true,
      help: "as in evaluate, in Linf; the first is made on students (default: pgd-20)",
    },
    eps: { value: "RADIUS", help: "in pixel units (default: 8/255)" },
    ...IMAGE_FLAGS,
    batch: { value: "N", help: "images per batch; changes the time it takes (default: 100)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
    out: { value: "DIR", help: "folder of the rows (default: runs/inspection-<names>-<hash>)" },
  },
  main: async ({ flags, json, signal }) => {
    if (flags.model === undefined) throw new UsageError("Cannot inspect without a teacher: write --model FILE");
    const paths = [flags.model, ...flags.student ?? []];
    const loads = await loadOptionsOf(flags, paths);
    const [teacher, ...students] = paths.map((path, i): SavedModel => ({
      method: nameOf(path),
      path,
      load: loads[i]!,
    })) as [SavedModel, ...SavedModel[]];
    const { card } = await loadWeights(teacher.path, teacher.load);
    const { data, seed, split, n } = imagesOf(flags, card, teacher.path);
    const [eps, ...more] = parseEpsList(flags.eps ?? "8/255", MAX_EPS.Linf);
    if (eps === undefined || more.length > 0) {
      throw new UsageError(`Cannot inspect at the radii ${flags.eps}: write one, such as 8/255`);
    }
    const attacks = attacksOf(flags.attack ?? ["pgd-20"]);
    const batchSize = flags.batch === undefined ? 100 : integerOf("--batch", flags.batch);
    const asked: TeacherInspection = {
      data,
      seed,
      inspection: { split, n, batchSize, attacks, eps },
      ...(flags.surrogate === true ? { surrogate: true } : {}),
    };
    const options = {
      teacher,
      students,
      ...await dataOption(flags.data, data),
      ...(flags.out === undefined ? {} : { out: flags.out }),
    };
    const progress = createProgress();
    const start = performance.now();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    progress.say(`inspect ${teacher.method} on ${engine.name}: ${engine.device}`);
    return await followTo(
      inspectTeacher(asked, { engine, ...options }),
      { progress, start, json, signal },
      teacherTable,
    );
  },
});
