import type { Sweep } from "../sweep.ts";

/**
 * The quickstart's students over three seeds, and its trade-off: KDIGA with other weights of the alignment, one seed.
 *
 * Command: `deno task sweep quickstart-seeds`. Time: about three minutes on two cores. Published numbers: none, the data
 * are our own.
 */
export const quickstartSeeds: Sweep = {
  name: "quickstart-seeds",
  base: "quickstart",
  grids: [
    { methods: ["natural", "kd", "kdiga"], seeds: [1, 2, 3] },
    { methods: ["kdiga"], values: { "students.kdiga.objective.weight": [0.125, 2] } },
  ],
};
