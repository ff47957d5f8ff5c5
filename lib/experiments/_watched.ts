import { type AlarmAction, CheckpointError, type EpochRow, type NdArray, writeFileAtomic } from "../core/mod.ts";
import { batchesPerEpoch, type Dataset, type LoadedData } from "../data/mod.ts";
import { readTree } from "../engine/mod.ts";
import { watchNetwork } from "../evaluation/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { checkFinite, decodeTrainState, encodeTrainState, type EpochEvent } from "../training/mod.ts";
import { evaluationSet } from "./_evaluated.ts";
import type { NetworkExperiment } from "./experiment.ts";
import type { ManifestWriter, WatchRecord } from "./manifest.ts";
import type { RunEvent, RunOptions } from "./run.ts";
import { openEpochs, type RunFolder } from "./run_folder.ts";
import { bestName, selectedName, watchAttack, type WatchSpec } from "./watch.ts";

/** The validation images of a network that is watched. */
export function watchSet({ n }: WatchSpec, data: LoadedData): Dataset {
  return evaluationSet({ split: "validation", n }, data, "watch");
}

/** A watch over the training of a network. */
export interface Watch {
  /** Looks at an epoch, where it is its turn; what it returns ends the training. */
  readonly look: (event: EpochEvent) => AsyncGenerator<RunEvent, Ending | undefined, void>;
  /** What was seen, to be told when the training is over. */
  readonly end: (ending: Ending | undefined) => Promise<void>;
}

/** How an alarm ended a training. */
export interface Ending {
  /** The epoch of the alarm. */
  readonly alarmAt: number;
  readonly action: AlarmAction;
  /** The epoch whose weights are handed on. */
  readonly epoch: number;
  readonly weights: Weights<NdArray>;
}

/** What a watch needs. */
export interface WatchContext {
  readonly network: NetworkExperiment;
  readonly watch: WatchSpec;
  readonly teacher: Classifier | undefined;
  readonly seed: number;
  readonly folder: RunFolder;
  readonly data: LoadedData;
  readonly manifest: ManifestWriter;
  readonly options: RunOptions;
  /** Steps done before training goes on. */
  readonly from: number;
  /** Where the weights of the last look without an alarm are kept, for an alarm that rolls back. */
  readonly goodPath: string;
  /** Saves weights by their name, with what their card says of them. */
  readonly save: (
    name: string,
    weights: Weights<NdArray>,
    more: Readonly<Record<string, unknown>>,
  ) => Promise<unknown>;
}

/**
 * Opens the watch of a network. Rows of epochs that will come again are dropped; files of weights that such epochs left
 * may stay, as the epochs will write the same ones before anybody reads them.
 */
export async function openWatch(context: WatchContext): Promise<Watch> {
  const { network, watch, teacher, seed, folder, data, manifest, options: { engine }, from } = context;
  const { goodPath, save } = context;
  const { name, epochs, batchSize } = network;
  const { every = 1, alarm } = watch;
  const dataset = watchSet(watch, data);
  const perEpoch = batchesPerEpoch(data.train.ids.length, batchSize);
  const file = await openEpochs(folder, (row) => row.method !== name || row.epoch * perEpoch <= from);
  const rows = file.rows.filter((row) => row.method === name);

  async function* look(event: EpochEvent): AsyncGenerator<RunEvent, Ending | undefined, void> {
    const { epoch, total, done, accuracy, classifier } = event;
    if (epoch % every !== 0 && epoch !== epochs) return undefined;
    const start = performance.now();
    yield { kind: "progress", label: `watch ${name}`, done: epoch, total };
    const weights = await readTree(engine, classifier.weights) as Weights<NdArray>;
    checkFinite(weights, done - 1);
    const seen = await watchNetwork(engine, {
      method: name,
      classifier,
      dataset,
      attack: watchAttack(watch),
      eps: watch.eps,
      seed,
      batchSize: watch.batchSize ?? 100,
      ...(watch.theory === true && teacher !== undefined ? { teacher } : {}),
    });
    const best = bestOf(rows);
    const isAlarm = alarm !== undefined && best !== undefined &&
      seen.robustAccuracy < alarm.share * best.robustAccuracy;
    const row: EpochRow = { method: name, epoch, trainAccuracy: accuracy, alarm: isAlarm ? alarm.action : "", ...seen };
    if (best === undefined || compare(row, best) > 0) {
      const { n, attack, eps, cleanAccuracy, robustAccuracy } = row;
      const validation = { n, attack, eps, cleanAccuracy, robustAccuracy };
      await save(bestName(name), weights, { epoch, validation });
    }
    if (alarm?.action === "rollBack" && !isAlarm) {
      const state = { step: done, weights, optimizerState: {}, carried: {} };
      await writeFileAtomic(goodPath, encodeTrainState(state, folder.hash));
    }
    const before = rows.at(-1);
    rows.push(row);
    await file.append([row]);
    await manifest.spent(`watch ${name}`, (performance.now() - start) / 1000);
    yield { kind: "watched", row };
    if (!isAlarm || best === undefined) return undefined;
    const { action } = alarm;
    yield { kind: "alarm", row, best: best.robustAccuracy, action };
    if (action === "report") return undefined;
    if (action === "stop" || before === undefined) return { alarmAt: epoch, action, epoch, weights };
    const good = decodeTrainState(await Deno.readFile(goodPath), folder.hash, goodPath);
    return { alarmAt: epoch, action, epoch: before.epoch, weights: good.weights };
  }

  async function end(ending: Ending | undefined): Promise<void> {
    const best = bestOf(rows);
    if (best === undefined) throw new CheckpointError(`Cannot end the watch of "${name}" as no epoch was looked at`);
    const record: WatchRecord = {
      selected: selectedName(network),
      best: best.epoch,
      last: ending?.epoch ?? epochs,
      alarms: rows.filter((row) => row.alarm !== "").map(({ epoch }) => epoch),
      ended: ending === undefined ? null : { epoch: ending.alarmAt, action: ending.action },
    };
    await manifest.watched(name, record);
  }

  return { look, end };
}

function bestOf(rows: readonly EpochRow[]): EpochRow | undefined {
  return rows.reduce<EpochRow | undefined>(
    (best, row) => best === undefined || compare(row, best) > 0 ? row : best,
    undefined,
  );
}

function compare(a: EpochRow, b: EpochRow): number {
  return a.robustAccuracy - b.robustAccuracy || a.cleanAccuracy - b.cleanAccuracy;
}
