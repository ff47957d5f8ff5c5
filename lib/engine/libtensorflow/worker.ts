/**
 * The thread that libtensorflow runs on: a call blocks the thread that makes it, so the isolate of the caller stays free
 * for progress bars and signals. Values stay here between calls.
 */
import { type DType, type NdArray, sizeOf } from "../../core/mod.ts";
import type { Request } from "../protocol.ts";
import { type Answer, serveRequests, SMALL } from "../serve_requests.ts";
import { type Context, createContext, type Handle } from "./context.ts";
import { openLibrary } from "./ffi.ts";

let opened: Context | undefined;
const programs = new Map<number, string>();
const values = new Map<number, Handle>();

function context(): Context {
  if (!opened) throw new ReferenceError("Cannot use the engine before its library is open");
  return opened;
}

function valueOf(value: number): Handle {
  const handle = values.get(value);
  if (!handle) throw new ReferenceError("Cannot use a value after it was disposed of");
  return handle;
}

/** Name of a session's function: unique in the context, readable in the library's messages. */
function functionName(session: number, program: string): string {
  return `${program.replaceAll(/[^A-Za-z0-9]+/g, "_").replace(/^[^A-Za-z]+/, "")}_${session}`.replace(/^_/, "f_");
}

function run({ session, feeds, fetches }: Extract<Request, { kind: "run" }>): Answer {
  const name = programs.get(session);
  if (name === undefined) throw new ReferenceError("Cannot run a program after it was disposed of");
  const temporary: Handle[] = [];
  try {
    const inputs = feeds.map((feed) => {
      if ("value" in feed) return valueOf(feed.value);
      const handle = context().put(feed.array);
      temporary.push(handle);
      return handle;
    });
    const outputs = context().run(name, inputs, fetches.map(({ dtype }): DType => dtype));
    // From a GPU every answer is a wait: numbers alone come at once, the parameters of small layers when they are read.
    const most = context().device === "gpu" ? 1 : SMALL;
    const small: [number, NdArray["data"]][] = [];
    fetches.forEach(({ value, shape }, index) => {
      const handle = outputs[index]!;
      values.set(value, handle);
      if (sizeOf(shape) <= most) small.push([value, context().read(handle)]);
    });
    return [{ small }, []];
  } finally {
    for (const handle of temporary) context().delete(handle);
  }
}

function free(value: number): void {
  const handle = values.get(value);
  if (handle) context().delete(handle);
  values.delete(value);
}

function serve(request: Request): Answer {
  switch (request.kind) {
    case "open": {
      const library = openLibrary(request.library!);
      opened = createContext(library, request.threads, request.device);
      return [{ version: library.version, device: opened.device }, []];
    }
    case "compile": {
      const name = functionName(request.session, request.name);
      context().addFunction(name, request.bytes, request.inputs, request.outputs.map(({ name }) => name));
      programs.set(request.session, name);
      return [{}, []];
    }
    case "run":
      return run(request);
    case "put":
      values.set(request.value, context().put(request.array));
      return [{}, []];
    case "read": {
      const data = context().read(valueOf(request.value)) as Float32Array<ArrayBuffer>;
      return [{ data }, [data.buffer]];
    }
    case "free":
      request.values.forEach(free);
      return [{}, []];
    case "release": {
      const name = programs.get(request.session);
      if (name !== undefined) context().removeFunction(name);
      programs.delete(request.session);
      return [{}, []];
    }
    case "close":
      for (const handle of values.values()) opened?.delete(handle);
      values.clear();
      opened?.close();
      opened = undefined;
      return [{}, []];
  }
}

serveRequests(serve);
