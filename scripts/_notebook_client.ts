// deno-lint-ignore-file camelcase -- the names of the protocol and of the file format
/**
 * Runs notebooks on Deno's kernel without Python: starts `deno jupyter`, speaks the Jupyter messaging protocol 5.3 and
 * keeps the outputs. Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { Dealer, Subscriber } from "zeromq";
import { DataError } from "../mod.ts";

/** A notebook file (nbformat 4), as far as it is read here; all other keys are kept. */
export interface Notebook {
  /** Cells from the top. */
  readonly cells: Cell[];
  /** Major version of the format. */
  readonly nbformat: number;
}

/** A cell of a notebook. */
export interface Cell {
  /** "code" or something that is not run. */
  readonly cell_type: string;
  /** Text, whole or in lines. */
  readonly source: string | readonly string[];
  /** Number of the run, of a code cell. */
  execution_count?: number | null;
  /** What the cell printed and showed, of a code cell. */
  outputs?: Output[];
}

/** An output of a code cell: a stream, something shown, a result or an error. */
export type Output = Readonly<Record<string, unknown>> & { readonly output_type: string };

/** How a notebook is run. */
export interface RunNotebookOptions {
  /**
   * Longest time of one cell, in milliseconds.
   * @default {60000}
   */
  readonly timeoutMs?: number;
  /**
   * Time without a message, after the kernel has called itself idle, that ends a cell. The kernel says so before its
   * last outputs are out.
   * @default {150}
   */
  readonly settleMs?: number;
  /** Ends the run and the kernel. */
  readonly signal?: AbortSignal;
  /** Called before each code cell with its number from 1 and the number of code cells. */
  readonly onCell?: (cell: number, cells: number) => void;
  /** What is run in place of a cell's source: a smaller size, for a test. @default {the source} */
  readonly edit?: (source: string) => string;
}

/** Why a run did not reach the end. */
export interface NotebookFailure {
  /** What went wrong: a cell threw, took too long, or the kernel ended. */
  readonly kind: "error" | "timeout" | "kernel" | "aborted";
  /** Code cell, from 1; 0 before the first. */
  readonly cell: number;
  /** One line. */
  readonly message: string;
}

/** What came of a run. */
export interface NotebookRun {
  /** The file. */
  readonly path: string;
  /** Code cells. */
  readonly cells: number;
  /** Wall time. */
  readonly seconds: number;
  /** The notebook with the outputs of this run. */
  readonly notebook: Notebook;
  /** Absent where every cell ran. */
  readonly failure?: NotebookFailure;
}

/**
 * Runs all code cells of a notebook in order in one fresh kernel, in the notebook's folder. Whatever happens, the
 * kernel has ended when this returns. The kernel's folder of temporary files is its own and is removed with what lies in
 * it; outputs name the machine's in its place, so that they are the same each time.
 *
 * @param path The `.ipynb` file; it is not written.
 * @param options Limits and progress.
 * @returns The outputs, and the failure where there was one.
 * @throws {DataError} If the file is no notebook.
 */
export async function runNotebook(path: string, options: RunNotebookOptions = {}): Promise<NotebookRun> {
  const { timeoutMs = 60_000, settleMs = 150, signal, onCell, edit = (source) => source } = options;
  const started = performance.now();
  const notebook = await readNotebook(path);
  const codeCells = notebook.cells.filter((cell) => cell.cell_type === "code");
  for (const cell of codeCells) Object.assign(cell, { execution_count: null, outputs: [] });
  let current = 0;
  let failure: NotebookFailure | undefined;
  const kernel = await startKernel(dirname(resolve(path)), signal);
  try {
    await kernel.ready();
    const shown = new Map<string, { data: unknown; metadata: unknown }[]>();
    for (const cell of codeCells) {
      current++;
      if (sourceOf(cell).trim() === "") continue;
      onCell?.(current, codeCells.length);
      const outputs = outputList(shown);
      const reply = await kernel.execute(edit(sourceOf(cell)), outputs.take, timeoutMs, settleMs);
      Object.assign(cell, { execution_count: current, outputs: outputs.list });
      const error = reply["status"] === "error" ? reply : outputs.list.find((output) => output.output_type === "error");
      if (error !== undefined) {
        const message = `${error["ename"]}: ${error["evalue"]}`.split("\n")[0]!.trim();
        throw new Failure("error", `fails with ${message}`);
      }
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const where = current === 0 ? "before the first cell" : `in code cell ${current} of ${codeCells.length}`;
    const message = error.kind === "error" || error.kind === "timeout"
      ? `code cell ${current} of ${codeCells.length} ${error.message}`
      : `${error.message} ${where}`;
    failure = { kind: error.kind, cell: current, message };
  } finally {
    await kernel.end();
  }
  for (const cell of codeCells) cell.outputs = kernel.withoutTemporary(cell.outputs!);
  const seconds = (performance.now() - started) / 1000;
  return { path, cells: codeCells.length, seconds, notebook, ...(failure === undefined ? {} : { failure }) };
}

/**
 * Writes a notebook as Jupyter does: indented by one space, texts in lines.
 *
 * @param notebook The notebook.
 * @returns The text of the file.
 */
export function formatNotebook(notebook: Notebook): string {
  return `${JSON.stringify(notebook, null, 1)}\n`;
}

/**
 * Reads a notebook file.
 *
 * @param path The `.ipynb` file.
 * @returns The notebook.
 * @throws {DataError} If the file is missing, no JSON, or not of nbformat 4.
 */
export async function readNotebook(path: string): Promise<Notebook> {
  let notebook: Partial<Notebook> | null;
  try {
    notebook = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    throw new DataError(`Cannot read "${path}" as a notebook: ${(error as Error).message}`);
  }
  if (notebook?.nbformat !== 4 || !Array.isArray(notebook.cells)) {
    throw new DataError(
      `Cannot read "${path}" as a notebook as it is not of nbformat 4: save it with Jupyter 4 or newer`,
    );
  }
  return notebook as Notebook;
}

/**
 * The text of a cell.
 *
 * @param cell The cell.
 * @returns Its source as one text.
 */
export function sourceOf(cell: Cell): string {
  return typeof cell.source === "string" ? cell.source : cell.source.join("");
}

/**
 * Whether a notebook shows a figure in every form that a viewer may want.
 *
 * @param notebook The notebook with its outputs.
 * @returns Whether an output has Vega-Lite 5, PNG and text.
 */
export function showsFigure({ cells }: Notebook): boolean {
  return cells.some(({ outputs = [] }) =>
    outputs.some(({ data }) => FIGURE.every((type) => Object.hasOwn(data ?? {}, type)))
  );
}

const FIGURE = ["application/vnd.vegalite.v5+json", "image/png", "text/plain"];

class Failure extends Error {
  constructor(readonly kind: NotebookFailure["kind"], message: string) {
    super(message);
  }
}

/** Gathers the outputs of one cell as nbformat wants them; `shown` knows the displays of all cells by their id. */
function outputList(shown: Map<string, { data: unknown; metadata: unknown }[]>) {
  const list: (Output & Record<string, unknown>)[] = [];
  let clearBeforeNext = false;
  const add = (output: Output & Record<string, unknown>): void => {
    if (clearBeforeNext) list.length = 0;
    clearBeforeNext = false;
    list.push(output);
  };
  const take = (type: string, content: Content): void => {
    const shownAs = (content["transient"] as { display_id?: string } | undefined)?.display_id;
    const data = { data: linesOf(content["data"]), metadata: content["metadata"] ?? {} };
    switch (type) {
      case "stream": {
        const last = list.at(-1);
        if (!clearBeforeNext && last?.output_type === "stream" && last["name"] === content["name"]) {
          last["text"] = split((last["text"] as string[]).join("") + content["text"]);
        } else {
          add({ output_type: "stream", name: content["name"], text: split(String(content["text"])) });
        }
        break;
      }
      case "display_data":
      case "execute_result": {
        const count = type === "execute_result" ? { execution_count: content["execution_count"] } : {};
        const output = { output_type: type, ...count, ...data };
        add(output);
        if (shownAs !== undefined) shown.set(shownAs, [...shown.get(shownAs) ?? [], output]);
        break;
      }
      case "update_display_data":
        for (const output of shown.get(shownAs ?? "") ?? []) Object.assign(output, data);
        break;
      case "error":
        add({
          output_type: "error",
          ename: content["ename"],
          evalue: content["evalue"],
          traceback: content["traceback"],
        });
        break;
      case "clear_output":
        if (content["wait"] === true) clearBeforeNext = true;
        else list.length = 0;
    }
  };
  return { list, take };
}

/** Texts of a MIME bundle in lines; images and JSON as they are. */
function linesOf(data: unknown): unknown {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([mime, value]) => [
      mime,
      typeof value === "string" && (mime.startsWith("text/") || mime === "image/svg+xml") ? split(value) : value,
    ]),
  );
}

function split(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

type Content = Readonly<Record<string, unknown>>;

interface Message {
  readonly type: string;
  readonly parent: string | undefined;
  readonly content: Content;
}

interface Kernel {
  /** Waits until the kernel answers on both channels. */
  readonly ready: () => Promise<void>;
  /** Runs code, hands on its outputs, and returns the reply when all have come. */
  readonly execute: (
    code: string,
    take: (type: string, content: Content) => void,
    timeoutMs: number,
    settleMs: number,
  ) => Promise<Content>;
  /** Ends the kernel and waits for its end. */
  readonly end: () => Promise<void>;
  /** Outputs in which the machine's folder of temporary files stands in place of the kernel's. */
  readonly withoutTemporary: (outputs: Output[]) => Output[];
}

const STARTUP_MS = 30_000;

/** Milliseconds between two looks at a socket where nothing lies. */
const LOOK_MS = 4;

/** Nothing is dropped, waited for, or kept back at the end. */
const SOCKET = { linger: 0, receiveTimeout: 0, receiveHighWaterMark: 0 } as const;

async function startKernel(folder: string, signal: AbortSignal | undefined): Promise<Kernel> {
  const temporary = await Deno.makeTempDir({ prefix: "notebook-" });
  const [shellPort, iopubPort, stdinPort, controlPort, heartbeatPort] = freePorts(5) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const key = crypto.randomUUID();
  const session = crypto.randomUUID();
  const connection = {
    ip: "127.0.0.1",
    transport: "tcp",
    shell_port: shellPort,
    iopub_port: iopubPort,
    stdin_port: stdinPort,
    control_port: controlPort,
    hb_port: heartbeatPort,
    signature_scheme: "hmac-sha256",
    key,
    kernel_name: "deno",
  };
  const file = join(temporary, "connection.json");
  await Deno.writeTextFile(file, JSON.stringify(connection), { mode: 0o600 });
  const temporaryOfCells = join(temporary, "tmp");
  await Deno.mkdir(temporaryOfCells);
  // Without colours, so that the outputs can be read wherever a notebook is shown.
  const child = new Deno.Command(Deno.execPath(), {
    args: ["jupyter", "--kernel", "--conn", file],
    cwd: folder,
    env: { NO_COLOR: "1", TMPDIR: temporaryOfCells, TMP: temporaryOfCells, TEMP: temporaryOfCells },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let tail = "";
  const drained = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) tail = (tail + text).slice(-2000);
  }));

  let ended = false;
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {}); // it may break while nobody waits
  child.status.then(async ({ code, signal }) => {
    ended = true;
    await drained;
    const last = tail.trim().split("\n").at(-1)!;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    broken.reject(new Failure("kernel", `the kernel ended (${how}${last === "" ? "" : `, "${last}"`})`));
  });
  const abort = (): void => broken.reject(new Failure("aborted", "the run was stopped"));
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const orBroken = <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, broken.promise]);

  const pause = async (ms: number): Promise<void> => {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    await orBroken(over.promise).finally(() => clearTimeout(timer));
  };

  const shell = new Dealer(SOCKET);
  const iopub = new Subscriber(SOCKET);
  let onMessage: (channel: "shell" | "iopub", message: Message) => void = () => {};

  const send = async (type: string, content: Content): Promise<string> => {
    const id = crypto.randomUUID();
    const header = {
      msg_id: id,
      session,
      username: "kdiga",
      date: new Date().toISOString(),
      msg_type: type,
      version: "5.3",
    };
    const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
    const signature = createHmac("sha256", key).update(parts.join("")).digest("hex");
    await shell.send(["<IDS|MSG>", signature, ...parts]);
    return id;
  };
  // Takes what has come, and looks again a little later: Deno now and then misses the wake-up that zeromq's own waiting
  // relies on, and would wait for ever.
  const listen = async (channel: "shell" | "iopub", socket: Dealer | Subscriber): Promise<void> => {
    while (!socket.closed) {
      const frames = await socket.receive().catch((error) => {
        if (!socket.closed && error.code !== "EAGAIN") throw error;
      });
      if (frames === undefined) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        continue;
      }
      const texts = frames.map((frame) => new TextDecoder().decode(frame));
      const start = texts.indexOf("<IDS|MSG>");
      const [header, parent, , content] = texts.slice(start + 2, start + 6).map((text) => JSON.parse(text));
      onMessage(channel, { type: header.msg_type, parent: parent.msg_id, content });
    }
  };
  let listening: Promise<unknown> = Promise.resolve();

  return {
    ready: async () => {
      shell.connect(`tcp://127.0.0.1:${shellPort}`);
      iopub.connect(`tcp://127.0.0.1:${iopubPort}`);
      iopub.subscribe();
      const heard = { shell: false, iopub: false };
      onMessage = (channel) => heard[channel] = true;
      listening = Promise.all([listen("shell", shell), listen("iopub", iopub)]).catch(broken.reject);
      // What is published before the subscription arrives is lost: ask until both channels have answered.
      const until = performance.now() + STARTUP_MS;
      while (!heard.shell || !heard.iopub) {
        if (performance.now() > until) {
          throw new Failure("kernel", `the kernel did not answer in ${STARTUP_MS / 1000} s`);
        }
        await send("kernel_info_request", {});
        for (let i = 0; i < 10 && !(heard.shell && heard.iopub); i++) await pause(20);
      }
    },
    execute: async (code, take, timeoutMs, settleMs) => {
      const reply = Promise.withResolvers<Content>();
      const idle = Promise.withResolvers<void>();
      let id: string | undefined;
      let lastOutput = 0;
      onMessage = (channel, { type, parent, content }) => {
        if (channel === "iopub" && type !== "status") {
          lastOutput = performance.now();
          take(type, content);
        } else if (parent !== id) {
          return;
        } else if (channel === "shell" && type === "execute_reply") {
          reply.resolve(content);
        } else if (type === "status" && content["execution_state"] === "idle") {
          idle.resolve();
        }
      };
      const timeout = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => timeout.reject(new Failure("timeout", `takes longer than ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      try {
        id = await send("execute_request", {
          code,
          silent: false,
          store_history: true,
          user_expressions: {},
          allow_stdin: false,
          stop_on_error: true,
        });
        const [content] = await Promise.race([
          orBroken(Promise.all([reply.promise, idle.promise])),
          timeout.promise,
        ]);
        // Quiet for the settling time, but no longer than the limit where a timer of the cell goes on printing.
        const limit = performance.now() + 10 * settleMs;
        for (let from = performance.now(); performance.now() < limit; from = Math.max(from, lastOutput)) {
          const left = Math.max(from, lastOutput) + settleMs - performance.now();
          if (left <= 0) break;
          await pause(left);
        }
        return content;
      } finally {
        clearTimeout(timer);
      }
    },
    end: async () => {
      signal?.removeEventListener("abort", abort);
      onMessage = () => {};
      if (!ended) child.kill("SIGKILL");
      await child.status;
      await drained;
      shell.close();
      iopub.close();
      await listening;
      await Deno.remove(temporary, { recursive: true });
    },
    withoutTemporary: (outputs) => {
      const [own, machines] = [temporaryOfCells, dirname(temporary)].map((path) => JSON.stringify(path).slice(1, -1));
      return JSON.parse(JSON.stringify(outputs).replaceAll(own!, machines!));
    },
  };
}

/** Ports that nobody listens on: all are held at the same time, so that they differ. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  return listeners.map((listener) => {
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    return port;
  });
}
