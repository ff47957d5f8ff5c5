import type { PageData, PageElement, PagePointer, PageRow, PageSpec, PageView, PageWindow } from "./_page_types.ts";

/**
 * What the page does in a browser: draws the figures with tooltips, hides methods, sorts tables, and opens all that is
 * folded for print. It is put into the page as text, so it may use nothing outside itself.
 *
 * @param window The browser's window.
 */
export function pageScript(window: PageWindow): void {
  const { document, vega, vegaInterpreter } = window;
  const { figures, methods, fields } = JSON.parse(document.getElementById("page-data")!.textContent!) as PageData;
  const make = (name: string, text = "", className = ""): PageElement => {
    const element = document.createElement(name);
    element.textContent = text;
    element.className = className;
    return element;
  };

  // Figures. One that cannot be drawn stays the picture that it is.
  const tip = document.getElementById("tip")!;
  const numberText = (value: unknown): string =>
    typeof value !== "number" || Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  const tooltip =
    (known: ReadonlySet<string>) => (_: unknown, event: PagePointer, __: unknown, row: PageRow | null) => {
      tip.hidden = row === null;
      if (row === null) return;
      const line = (name: string, text: string): PageElement[] => [make("dt", name), make("dd", text)];
      tip.replaceChildren(
        ...Object.keys(row).filter((key) => known.has(key) && row[key] !== "" && row[key] !== null).flatMap((key) => {
          if (key === "low" && "high" in row) {
            return line(fields.low ?? key, `${numberText(row.low)} to ${numberText(row.high)}`);
          }
          if (key === "high" && "low" in row) return [];
          return line(fields[key] ?? key, numberText(row[key]));
        }),
      );
      const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 4);
      const top = event.clientY - tip.offsetHeight - 12;
      tip.style.left = `${Math.max(4, left)}px`;
      tip.style.top = `${top < 4 ? event.clientY + 18 : top}px`;
    };
  const inline = (spec: PageSpec) =>
    (spec.data ?? []).flatMap(({ name, values }) => values === undefined ? [] : [{ name, values }]);
  const drawn: { readonly spec: PageSpec; readonly view: PageView }[] = [];
  [...document.querySelectorAll(".live > div")].forEach((container, i) => {
    const spec = figures[i]!;
    const known = new Set(inline(spec).flatMap(({ values }) => values.flatMap((row) => Object.keys(row))));
    try {
      // A copy: Vega marks the rows that it is given.
      const dataflow = vega.parse(JSON.parse(JSON.stringify(spec)), null, { ast: true });
      const view = new vega.View(dataflow, {
        renderer: "svg",
        container,
        expr: vegaInterpreter,
        tooltip: tooltip(known),
      });
      view.runAsync().then(() => container.closest("figure")!.classList.add("drawn"));
      drawn.push({ spec, view });
    } catch {
      container.replaceChildren();
    }
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") tip.hidden = true;
  });

  // Methods.
  const shown = new Set(methods.map(({ label }) => label));
  const toggles = document.getElementById("methods");
  for (const { label, color } of toggles === null || drawn.length === 0 ? [] : methods) {
    const box = make("input");
    box.type = "checkbox";
    box.value = label;
    box.checked = true;
    box.addEventListener("change", () => {
      if (box.checked) shown.add(label);
      else shown.delete(label);
      for (const { spec, view } of drawn) {
        for (const { name, values } of inline(spec)) {
          if (!values.some((row) => "method" in row)) continue;
          const kept = values.filter(({ method }) =>
            !methods.some(({ label }) => label === method) || shown.has(String(method))
          );
          view.data(name, kept.map((row) => ({ ...row })));
        }
        view.runAsync();
      }
    });
    const swatch = make("span", "", "swatch");
    swatch.style.background = color;
    const item = make("label");
    item.append(box, swatch, label);
    toggles!.append(item);
    toggles!.hidden = false;
  }

  // Tables: a click on a heading sorts upwards, another one downwards, the third brings the first order back.
  const collator = new Intl.Collator("en", { numeric: true });
  /** The number that a text begins with; of "300 to 500" and "52.4 [50.2, 54.6]" the first. */
  const numberOf = (text: string): number =>
    Number.parseFloat(text.replace(/^[+\u2212]/, (sign) => sign === "+" ? "" : "-"));
  for (const table of document.querySelectorAll("table")) {
    const body = table.querySelector("tbody");
    if (body === null || table.querySelector("thead") === null) continue;
    const rows = [...body.querySelectorAll("tr")];
    if (rows.length < 2) continue;
    const headings = [...table.querySelectorAll("thead th")];
    headings.forEach((heading, column) => {
      const button = make("button", heading.textContent!);
      button.type = "button";
      heading.replaceChildren(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        const order = before === "none" ? "ascending" : before === "ascending" ? "descending" : "none";
        for (const other of headings) other.setAttribute("aria-sort", "none");
        heading.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        const textOf = (row: PageElement): string => [...row.querySelectorAll("th, td")][column]?.textContent ?? "";
        const sorted = [...rows];
        if (order !== "none") {
          sorted.sort((a, b) => {
            const [first, second] = [textOf(a), textOf(b)];
            const [x, y] = [numberOf(first), numberOf(second)];
            // What is missing ("-") stands last in both directions.
            if (first === "-" || second === "-") return Number(first === "-") - Number(second === "-");
            const isNumeric = column > 0 && !Number.isNaN(x) && !Number.isNaN(y);
            return sign * (isNumeric ? x - y : collator.compare(first, second));
          });
        }
        body.replaceChildren(...sorted);
      });
    });
  }

  // What is folded: shut at first, all open in print.
  const folded = [...document.querySelectorAll("details")];
  for (const details of folded) details.open = false;
  let opened: PageElement[] = [];
  window.matchMedia("print").addEventListener("change", ({ matches }) => {
    if (matches) opened = folded.filter((details) => !details.open);
    for (const details of opened) details.open = matches;
  });
}
