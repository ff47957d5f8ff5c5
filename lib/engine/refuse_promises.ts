/**
 * Refuses what a program's function returned where it is, or holds, a promise: what is waited for is not in the graph.
 *
 * @param name Name of the program.
 * @param result What the function returned.
 * @throws {TypeError} If there is a promise; it is not left to fail unseen.
 */
export function refusePromises(name: string, result: unknown): void {
  const promises = promisesIn(result);
  if (promises.length === 0) return;
  for (const promise of promises) promise.catch(() => {});
  throw new TypeError(
    `Cannot use the asynchronous function "${name}" as a program: a shape that depends on values (whereAsync, ` +
      `booleanMaskAsync) is not known beforehand; keep the shape, by where() or a factor of 0 and 1, or select ` +
      `between calls`,
  );
}

function promisesIn(node: unknown): Promise<unknown>[] {
  if (node instanceof Promise) return [node];
  if (Array.isArray(node)) return node.flatMap(promisesIn);
  const isTree = typeof node === "object" && node !== null && Object.getPrototypeOf(node) === Object.prototype;
  return isTree ? Object.values(node).flatMap(promisesIn) : [];
}
