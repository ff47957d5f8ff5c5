import { DataError, UsageError } from "../mod.ts";

/** A Python program that answers requests, one at a time, a JSON document per line. */
export interface PythonPeer<H> extends AsyncDisposable {
  /** What it said first. */
  readonly hello: H;
  /** Asks for something. */
  readonly ask: <T>(request: Readonly<Record<string, unknown>>) => Promise<T>;
}

/**
 * Starts a Python program that prints one JSON document when it is ready and one per request; `error` in an answer says
 * what went wrong.
 *
 * @param python Path of a Python.
 * @param args Path of the program and its arguments.
 * @param needs What is to be done where it does not work: "give --peer a Python with torch".
 * @throws {UsageError} If there is no such program.
 * @throws {DataError} If it does not answer, or says that a request failed.
 */
export async function startPython<H>(python: string, args: readonly string[], needs: string): Promise<PythonPeer<H>> {
  const child = spawn(python, args);
  const complaints = new Response(child.stderr).text();
  const answers = lines(child.stdout);
  const requests = child.stdin.getWriter();
  const answer = async <T>(): Promise<T> => {
    const { value: line } = await answers.next();
    if (line === undefined) {
      const { code, signal } = await child.status;
      const last = (await complaints).trimEnd().split("\n").at(-1) || (signal ?? `exit status ${code}`);
      throw new DataError(`Cannot compare with "${python}" as it ended (${last}): ${needs}`);
    }
    const { error, ...rest } = JSON.parse(line);
    if (error !== undefined) throw new DataError(`Cannot compare with "${python}" as it says "${error}": ${needs}`);
    return rest;
  };
  const end = async () => {
    await requests.close().catch(() => {});
    await answers.return(undefined);
    await Promise.all([complaints, child.status]);
  };
  try {
    return {
      hello: await answer<H>(),
      ask: async <T>(request: Readonly<Record<string, unknown>>) => {
        // Where it has ended, the answer that is missing says so.
        await requests.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`)).catch(() => {});
        return await answer<T>();
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function spawn(python: string, args: readonly string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(python, {
      // No compiled copies of the programs beside them.
      args: ["-B", ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new UsageError(`Cannot start the peer "${python}": write the path of a Python with torch`);
  }
}

async function* lines(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined, undefined> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + text).split("\n");
    rest = whole.pop()!;
    yield* whole;
  }
}
