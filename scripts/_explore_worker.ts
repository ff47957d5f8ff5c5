/**
 * What computes behind the page of `deno task explore`: the library itself, on TensorFlow.js in the browser, in a thread
 * of its own so that the page answers while an attack runs.
 *
 * @module
 */
/// <reference lib="dom" />
import {
  type AttackBatch,
  type Classifier,
  createModel,
  createReferenceEngine,
  decodeSafetensors,
  type Engine,
  float32,
  freeze,
  fromPyTorch,
  int32,
  putTree,
  type ReferenceBackend,
  sizeOf,
  UserError,
} from "../mod.ts";
import { attackInSteps, logitsOf, planOf, radiusOf } from "./_explore_attack.ts";
import type { Answer, ExploredRun, Request } from "./_explore_protocol.ts";

type Question = Exclude<Request, { readonly kind: "cancel" }>;

/** An engine, and the networks that are on it. */
interface Place {
  readonly engine: Engine;
  readonly networks: Map<number, Promise<Classifier>>;
}

/** Thrown where a person has asked for something else. */
class Cancelled extends Error {}

const run: Promise<ExploredRun> = fetched("/run.json").then((response) => response.json());
const places = new Map<ReferenceBackend, Place>();
/** Networks whose logits on WebGL were compared with those of the plain kernels. */
const compared = new Set<number>();
/** Most weights of a network that is compared: a larger one would take the processor half a minute. */
const MOST_COMPARED = 12_000_000;
/** Questions that still wait or are being answered; the others were cancelled. */
const wanted = new Set<number>();
let queue = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "cancel") {
    wanted.clear();
    return;
  }
  wanted.add(data.id);
  // One after the other: the library never computes two things at once.
  queue = queue.then(() => answer(data));
});

async function answer(question: Question): Promise<void> {
  const { id } = question;
  try {
    if (!wanted.has(id)) throw new Cancelled();
    await (question.kind === "predict" ? predict(question) : attack(question));
  } catch (error) {
    if (error instanceof Cancelled) tell({ kind: "cancelled", id });
    else if (error instanceof UserError) tell({ kind: "failed", id, message: error.message });
    else {
      console.error(error);
      tell({ kind: "failed", id, message: `Cannot go on as the program failed: ${(error as Error).message}` });
    }
  } finally {
    wanted.delete(id);
  }
}

async function predict(question: Extract<Request, { readonly kind: "predict" }>): Promise<void> {
  const { id, image, backend } = question;
  const place = placeOf(backend);
  const [{ x }, ...networks] = await Promise.all([
    imageAt(image),
    ...question.networks.map((index) => networkAt(place, index)),
  ]);
  const logits = await logitsOf(place.engine, networks, x);
  tell({ kind: "predicted", id, logits, device: place.engine.device });
  if (place !== places.get("webgl")) return;
  for (const [k, network] of networks.entries()) {
    const index = question.networks[k]!;
    if (compared.has(index) || sizeOfWeights(network) > MOST_COMPARED) continue;
    compared.add(index);
    const plain = placeOf("cpu");
    const [expected] = await logitsOf(plain.engine, [await networkAt(plain, index)], x);
    const differences = expected!.map((logit, at) => Math.abs(logit - logits[k]![at]!));
    tell({ kind: "compared", id, difference: Math.max(...differences) });
  }
}

function sizeOfWeights({ weights }: Classifier): number {
  return Object.values(weights.parameters).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

async function attack(question: Extract<Request, { readonly kind: "attack" }>): Promise<void> {
  const { id, image, spec, backend } = question;
  const { engine, ...place } = placeOf(backend);
  const [{ seed }, batch, ...networks] = await Promise.all([
    run,
    imageAt(image),
    ...question.networks.map((index) => networkAt({ engine, ...place }, index)),
  ]);
  const eps = radiusOf(spec, question.eps);
  tell({ kind: "begun", id, ...planOf(spec, eps, networks[0]!), device: engine.device });
  const start = performance.now();
  const outcome = await attackInSteps({
    engine,
    networks,
    batch,
    spec,
    eps,
    seed,
    onFrame: async (frame) => {
      tell({ kind: "frame", id, frame });
      await nextTask();
      if (!wanted.has(id)) throw new Cancelled();
    },
  });
  tell({ kind: "ended", id, outcome, seconds: (performance.now() - start) / 1000 });
}

function tell(answer: Answer): void {
  postMessage(answer);
}

/** The engine of a backend; WebGL by itself only where a GPU is behind it. */
function placeOf(asked: ReferenceBackend | "auto"): Place {
  const backend = asked === "auto" ? (hasGpu() ? "webgl" : "cpu") : asked;
  let place = places.get(backend);
  if (place === undefined) places.set(backend, place = { engine: createReferenceEngine(backend), networks: new Map() });
  return place;
}

/** Whether WebGL is there, is no imitation on the processor, and computes in float32. */
function hasGpu(): boolean {
  const gl = typeof OffscreenCanvas === "undefined" ? null : new OffscreenCanvas(1, 1).getContext("webgl2");
  if (gl === null || gl.getExtension("EXT_color_buffer_float") === null) return false;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = named === null ? gl.RENDERER : named.UNMASKED_RENDERER_WEBGL;
  const highp = gl.getShaderPrecisionFormat(gl.FRAGMENT_SHADER, gl.HIGH_FLOAT);
  const isImitation = /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(gl.getParameter(renderer)));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !isImitation && (highp?.precision ?? 0) >= 23;
}

async function networkAt({ engine, networks }: Place, index: number): Promise<Classifier> {
  const load = async (): Promise<Classifier> => {
    const { card } = (await run).networks[index]!;
    const bytes = await (await fetched(`/weights/${index}`)).arrayBuffer();
    const model = createModel(card.model, { classes: card.classes.length, inputShape: card.inputShape });
    const weights = fromPyTorch(decodeSafetensors(new Uint8Array(bytes)).tensors, model.shapes, "the weights");
    return freeze(model, putTree(engine, weights));
  };
  let network = networks.get(index);
  if (network === undefined) networks.set(index, network = load());
  return await network;
}

/** One image, as a batch has it. */
async function imageAt(position: number): Promise<AttackBatch> {
  const { data } = await run;
  const bytes = new Uint8Array(await (await fetched(`/images?at=${position}`)).arrayBuffer());
  const x = float32([1, ...data.imageShape], Float32Array.from(bytes, (byte) => byte / 255));
  if (bytes.length !== sizeOf(data.imageShape)) throw new Error("the image is cut short");
  return { x, y: int32([1], [data.labels[position]!]), ids: Int32Array.of(data.ids[position]!) };
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} was answered by "${response.status} ${await response.text()}"`);
  return response;
}

/** Lets messages in. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
