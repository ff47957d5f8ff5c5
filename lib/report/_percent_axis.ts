/** Where a field of percent is drawn: the whole range from 0 to 100, with a line at every fifth of it. */
export function percentAxis(field: string, title: string) {
  return {
    field,
    type: "quantitative" as const,
    scale: { domain: [0, 100], nice: false },
    axis: { title, values: [0, 20, 40, 60, 80, 100] },
  };
}
