/**
 * The few things of a browser that the script of a page uses. The library's own types of them ("dom") would become
 * known in every file, where there is no page.
 */
export interface PageWindow {
  readonly document: PageDocument;
  readonly innerWidth: number;
  readonly vega: PageVega;
  readonly vegaInterpreter: unknown;
  matchMedia(
    query: string,
  ): { addEventListener(kind: "change", listener: (event: { matches: boolean }) => void): void };
}

/** A document. */
export interface PageDocument {
  readonly documentElement: PageElement;
  getElementById(id: string): PageElement | null;
  createElement(name: string): PageElement;
  querySelectorAll(selector: string): Iterable<PageElement>;
  addEventListener(kind: string, listener: (event: { readonly key: string }) => void): void;
}

/** An element. */
export interface PageElement {
  readonly classList: { add(name: string): void };
  readonly style: Record<string, string>;
  readonly offsetWidth: number;
  readonly offsetHeight: number;
  textContent: string | null;
  className: string;
  type: string;
  value: string;
  checked: boolean;
  hidden: boolean;
  open: boolean;
  append(...nodes: readonly (PageElement | string)[]): void;
  replaceChildren(...nodes: readonly (PageElement | string)[]): void;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  getAttribute(name: string): string | null;
  closest(selector: string): PageElement | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  addEventListener(kind: string, listener: () => void): void;
}

/** Row of a figure's data. */
export type PageRow = Readonly<Record<string, unknown>>;

/** A compiled figure, as far as the page looks into it. */
export interface PageSpec {
  readonly data?: readonly { readonly name: string; readonly values?: readonly PageRow[] }[];
}

/** Where a pointer is. */
export interface PagePointer {
  readonly clientX: number;
  readonly clientY: number;
}

/** The runtime of Vega. */
export interface PageVega {
  readonly View: new (dataflow: unknown, options: {
    readonly renderer: "svg";
    readonly container: PageElement;
    readonly expr: unknown;
    readonly tooltip: (handler: unknown, event: PagePointer, item: unknown, row: PageRow | null) => void;
  }) => PageView;
  parse(spec: unknown, config: null, options: { readonly ast: true }): unknown;
}

/** A figure that was drawn. */
export interface PageView {
  data(name: string, rows: readonly PageRow[]): PageView;
  runAsync(): Promise<PageView>;
}

/** What the page tells its script, in the element "page-data". */
export interface PageData {
  /** Compiled figures, in the order of the places for them, which lie in the elements of the class "live". */
  readonly figures: readonly PageSpec[];
  /** Methods that figures can be without: their name in the rows and their colour. */
  readonly methods: readonly { readonly label: string; readonly color: string }[];
  /** Names of fields in tooltips. */
  readonly fields: Readonly<Record<string, string>>;
}
