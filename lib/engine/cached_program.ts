import type { Engine, Program } from "./engine.ts";

const cache = new WeakMap<Engine, WeakMap<object, Map<string, Program<unknown, unknown>>>>();

/**
 * The program of a key, compiled at the first request: what lets an attack be called a thousand times and traced once.
 *
 * @param engine Where it runs.
 * @param owner The object that the traced function depends on (a model's forward function); the program lives as long.
 * @param key What else it depends on, as text: every static setting must be in it.
 * @param make Makes the traced function.
 * @returns The program; it belongs to the cache and must not be disposed of.
 */
export function cachedProgram<I, O>(
  engine: Engine,
  owner: object,
  key: string,
  make: () => (inputs: I) => O,
): Program<I, O> {
  let byOwner = cache.get(engine);
  if (!byOwner) cache.set(engine, byOwner = new WeakMap());
  let byKey = byOwner.get(owner);
  if (!byKey) byOwner.set(owner, byKey = new Map());
  let program = byKey.get(key);
  if (!program) byKey.set(key, program = engine.compile(make(), { name: key }) as Program<unknown, unknown>);
  return program as unknown as Program<I, O>;
}
