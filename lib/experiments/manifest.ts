import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type AlarmAction, ExperimentError, readTextIfExists, sha256Hex, writeFileAtomic } from "../core/mod.ts";
import type { Dataset, FolderDataset, LoadedData, SkippedImage } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { RunFolder } from "./run_folder.ts";

/** `manifest.json`: what made the results of a run. */
export interface Manifest {
  /** Version of this format. */
  readonly version: 1;
  /** First eight hexadecimal digits of the SHA-256 of the canonical experiment. */
  readonly experiment: string;
  /** Commit of the code, and whether files differed from it; null where there is no git repository. */
  readonly commit: { readonly id: string; readonly dirty: boolean } | null;
  /** SHA-256 of deno.lock; null where there is none. */
  readonly lock: string | null;
  /** Versions of what ran. */
  readonly versions: Readonly<Record<string, string>>;
  /** Machine: operating system, architecture, cores. */
  readonly machine: Readonly<Record<string, string | number>>;
  /** Engines that took part, in the order of the sessions: more than one where a run was resumed on another. */
  readonly engines: readonly string[];
  /**
   * SHA-256 of the images, labels and ids of each split, as far as it was read; of training images that are decoded while
   * they are used, of their labels, ids and file names.
   */
  readonly data: Readonly<Record<string, string>>;
  /** SHA-256 of the final weights of each network. */
  readonly weights: Readonly<Record<string, string>>;
  /** What watches over trainings saw, by the name of the network; none where nothing was watched. */
  readonly watches?: Readonly<Record<string, WatchRecord>>;
  /** Teachers that were not trained in this run, by role; absent where there are none. */
  readonly teachers?: Readonly<Record<string, TeacherOrigin>>;
  /** Seed of the experiment. */
  readonly seed: number;
  /** Start of each session, ISO 8601. */
  readonly started: readonly string[];
  /** When the run was finished, ISO 8601; null before. */
  readonly finished: string | null;
  /** Seconds spent on each part, over all sessions. */
  readonly seconds: Readonly<Record<string, number>>;
  /**
   * Of each network whose training images are decoded while they are used: seconds of its training in which nothing was
   * done but wait for them, and their share.
   */
  readonly waiting: Readonly<Record<string, { readonly seconds: number; readonly share: number }>>;
  /** Damaged files that were left out of each data set: their number and ids, and what was wrong with the first five. */
  readonly skipped: Readonly<Record<string, SkippedFiles>>;
}

/** Damaged files that were left out of a data set. */
export interface SkippedFiles {
  /** Number of files. */
  readonly count: number;
  /** Ids of their images, ascending. */
  readonly ids: readonly number[];
  /** What was wrong with the first five that were found, with their paths. */
  readonly first: readonly string[];
}

/** What a watch saw of a network while it was trained. */
export interface WatchRecord {
  /** Name in rows of the weights that are handed on. */
  readonly selected: string;
  /** The epoch that was best on validation images. */
  readonly best: number;
  /** The epoch of the weights that count as the last. */
  readonly last: number;
  /** Epochs of alarms. */
  readonly alarms: readonly number[];
  /** The alarm that ended training before its last epoch, and what it did; null where none did. */
  readonly ended: { readonly epoch: number; readonly action: AlarmAction } | null;
}

/** Where a teacher that was not trained in a run comes from. */
export interface TeacherOrigin {
  /** Run that trained it: name and hash of its experiment; null where it was given as a file. */
  readonly run: string | null;
  /** Path of its weights when the run began. */
  readonly path: string;
  /** SHA-256 of its weights. */
  readonly sha256: string;
}

/** Keeps `manifest.json` up to date. */
export interface ManifestWriter {
  /** Seconds spent on a part so far, over all sessions; undefined where none were noted. */
  readonly seconds: (part: string) => number | undefined;
  /** Adds seconds to a part and writes the file. */
  readonly spent: (part: string, seconds: number) => Promise<void>;
  /** Adds seconds that the training of a network waited for images, after those spent on it, and writes the file. */
  readonly waited: (name: string, seconds: number) => Promise<void>;
  /** Records damaged files of a data set, and writes the file where there are any that this session has not recorded. */
  readonly skipped: (name: string, images: readonly SkippedImage[]) => Promise<readonly SkippedImage[]>;
  /** Records final weights and writes the file. */
  readonly trained: (name: string, sha256: string) => Promise<void>;
  /** Records what a watch saw and writes the file. */
  readonly watched: (name: string, record: WatchRecord) => Promise<void>;
  /**
   * Records where a teacher comes from and writes the file.
   *
   * @throws {ExperimentError} If the run began with another one.
   */
  readonly taught: (role: string, origin: TeacherOrigin) => Promise<void>;
  /** Marks the run as finished and writes the file. */
  readonly finish: () => Promise<void>;
}

/**
 * Begins a session of a run in its manifest; an earlier one's times, engines and weights are kept.
 *
 * @param folder The run.
 * @param engine What it runs on.
 * @param data What it runs on, for the checksums.
 * @param seed Seed of the experiment.
 */
export async function openManifest(
  folder: RunFolder,
  engine: Engine,
  data: LoadedData,
  seed: number,
): Promise<ManifestWriter> {
  const path = folder.file("manifest.json");
  const before = parse(await readTextIfExists(path));
  const lock = await readProjectFile("deno.lock");
  let manifest: Manifest = {
    version: 1,
    experiment: folder.hash,
    commit: await commitOf(),
    lock: lock === undefined ? null : await sha256Hex(lock),
    versions: { deno: Deno.version.deno, typescript: Deno.version.typescript, engine: engine.version },
    machine: { os: Deno.build.os, arch: Deno.build.arch, cores: navigator.hardwareConcurrency, device: engine.device },
    engines: [...new Set([...before?.engines ?? [], `${engine.name}: ${engine.device}`])],
    data: {
      train: await ("images" in data.train ? checksum(data.train) : checksumOfFiles(data.train)),
      validation: await checksum(data.validation),
      test: await checksum(data.test),
    },
    weights: before?.weights ?? {},
    ...(before?.watches === undefined ? {} : { watches: before.watches }),
    ...(before?.teachers === undefined ? {} : { teachers: before.teachers }),
    seed,
    started: [...before?.started ?? [], new Date().toISOString()],
    finished: before?.finished ?? null,
    seconds: before?.seconds ?? {},
    waiting: before?.waiting ?? {},
    skipped: before?.skipped ?? {},
  };
  const told = new Map<string, Set<number>>();
  const write = async (change: Partial<Manifest>) => {
    manifest = { ...manifest, ...change };
    await writeFileAtomic(path, `${JSON.stringify(manifest, null, 2)}\n`);
  };
  await write({});
  return {
    seconds: (part) => manifest.seconds[part],
    spent: (part, seconds) => {
      const total = (manifest.seconds[part] ?? 0) + seconds;
      return write({ seconds: { ...manifest.seconds, [part]: Math.round(total * 10) / 10 } });
    },
    waited: (name, seconds) => {
      const total = (manifest.waiting[name]?.seconds ?? 0) + seconds;
      const share = Math.min(1, total / Math.max(1e-3, manifest.seconds[`train ${name}`] ?? 0));
      const rounded = { seconds: Math.round(total * 1000) / 1000, share: Math.round(share * 1000) / 1000 };
      return write({ waiting: { ...manifest.waiting, [name]: rounded } });
    },
    skipped: async (name, images) => {
      const known = told.get(name) ?? new Set();
      const fresh = images.filter(({ id }) => !known.has(id) && known.add(id));
      if (fresh.length === 0) return fresh;
      told.set(name, known);
      const { ids = [], first = [] } = manifest.skipped[name] ?? {};
      const all = [...new Set([...ids, ...known])].sort((a, b) => a - b);
      const reasons = [...new Set([...first, ...fresh.map(({ reason }) => reason)])].slice(0, 5);
      await write({ skipped: { ...manifest.skipped, [name]: { count: all.length, ids: all, first: reasons } } });
      return fresh;
    },
    trained: (name, sha256) => write({ weights: { ...manifest.weights, [name]: sha256 } }),
    watched: (name, record) => write({ watches: { ...manifest.watches, [name]: record } }),
    taught: async (role, origin) => {
      const other = manifest.teachers?.[role];
      if (other !== undefined && other.sha256 !== origin.sha256) {
        throw new ExperimentError(
          `Cannot go on in "${folder.path}" as its ${role} "${origin.path}" has SHA-256 ${origin.sha256} where it began ` +
            `with ${other.sha256}: choose another --out, or bring that one back`,
        );
      }
      await write({ teachers: { ...manifest.teachers, [role]: other ?? origin } });
    },
    finish: () => write({ finished: new Date().toISOString() }),
  };
}

/**
 * Reads `manifest.json`.
 *
 * @param folder Path of a run folder.
 * @returns What it says; undefined where there is none that can be read.
 */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  return parse(await readTextIfExists(`${folder}/manifest.json`));
}

/** Whether the run in a folder has come to its end. */
export async function isFinished(folder: string): Promise<boolean> {
  return typeof (await readManifest(folder))?.finished === "string";
}

function parse(text: string | undefined): Manifest | undefined {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // A manifest that was tampered with is begun anew; no result depends on it.
    return undefined;
  }
}

async function checksum({ images, labels, ids }: Dataset): Promise<string> {
  return await sha256Hex([images, bytesOf(labels), bytesOf(ids)].map(digest).join());
}

async function checksumOfFiles({ folder: { labels, ids, places } }: FolderDataset): Promise<string> {
  const names = createHash("sha256");
  for (const { name } of places) names.update(`${name.slice(name.lastIndexOf("/") + 1)}\n`);
  return await sha256Hex([names.digest("hex"), digest(bytesOf(labels)), digest(bytesOf(ids))].join());
}

/** SHA-256 without a copy of the bytes, which may fill the memory. */
function digest(bytes: Uint8Array): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += CHUNK) hash.update(bytes.subarray(at, at + CHUNK));
  return hash.digest("hex");
}

const CHUNK = 2 ** 26;

function bytesOf(array: Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

async function readProjectFile(name: string): Promise<string | undefined> {
  const url = new URL(`../../${name}`, import.meta.url);
  // Not url.pathname: a space in the folder's name is %20 there.
  return url.protocol === "file:" ? await readTextIfExists(fileURLToPath(url)) : undefined;
}

async function commitOf(): Promise<Manifest["commit"]> {
  const root = new URL("../..", import.meta.url);
  if (root.protocol !== "file:") return null;
  try {
    const id = await git(root, "rev-parse", "HEAD");
    return { id, dirty: (await git(root, "status", "--porcelain")) !== "" };
  } catch {
    // No git, no repository, or no permission to ask.
    return null;
  }
}

async function git(root: URL, ...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command("git", { args, cwd: root, stderr: "null" }).output();
  if (!success) throw new Error(`git ${args[0]} failed`);
  return new TextDecoder().decode(stdout).trim();
}
