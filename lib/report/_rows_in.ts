import { readTextIfExists } from "../core/mod.ts";

/** Rows of a CSV file of a run folder; none where it is not there. */
export async function rowsIn<R>(
  folder: string,
  name: string,
  parse: (text: string, name: string) => { readonly rows: readonly R[] },
): Promise<readonly R[]> {
  return parse(await readTextIfExists(`${folder}/${name}`) ?? "", `${folder}/${name}`).rows;
}
