/** Style of a page: for screens of any width, and for paper, where the pictures stand in place of what moves. */
export const PAGE_STYLE = `
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 0; overflow-wrap: break-word; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; }
h1 { margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 0.75rem; border-top: 1px solid #ccc; padding-top: 1rem; }
p { max-width: 48rem; }
a { color: #0b57a4; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; list-style: none; margin: 1rem 0; padding: 0; }
nav a { display: inline-block; padding: 0.2rem 0; }
.finding { font-size: 1.15rem; border-left: 4px solid #d55e00; padding-left: 1rem; }
dl.made { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 1rem 0; }
dl.made dt { color: #555; }
dl.made dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
caption { caption-side: bottom; text-align: left; padding-top: 0.4rem; color: #555; position: sticky; left: 0;
  max-width: calc(100vw - 2rem); }
th, td { padding: 0.25rem 0.75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd; }
th:first-child { text-align: left; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0.25rem 0; cursor: pointer; }
th button::after { content: "\\2195"; color: #767676; padding-left: 0.3em; }
th[aria-sort="ascending"] button::after { content: "\\2191"; color: #222; }
th[aria-sort="descending"] button::after { content: "\\2193"; color: #222; }
.checks tbody th { white-space: normal; font-weight: normal; min-width: 14rem; }
.facts { width: 100%; table-layout: fixed; }
.facts th { width: 13rem; font-weight: normal; color: #555; }
.facts th, .facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1.5rem; }
.figures figure { margin: 0; max-width: 40rem; }
.figures .still, .live svg { width: 100%; height: auto; display: block; }
.live { display: none; }
.drawn .live { display: block; }
.drawn .still { display: none; }
figcaption { font-size: 0.85rem; color: #555; }
#methods { border: 1px solid #ccc; margin: 0 0 1rem; padding: 0.25rem 1rem 0.5rem; display: flex; flex-wrap: wrap; gap: 0 1.25rem; }
#methods[hidden] { display: none; }
#methods label { display: inline-flex; align-items: center; gap: 0.4rem; min-height: 2rem; }
#methods input { width: 1.1rem; height: 1.1rem; margin: 0; }
.swatch { width: 0.9rem; height: 0.9rem; display: inline-block; }
#tip { position: fixed; z-index: 1; pointer-events: none; background: #222; color: #fff; font-size: 0.8rem; padding: 0.4rem 0.6rem;
  margin: 0; display: grid; grid-template-columns: max-content max-content; gap: 0 0.75rem; max-width: calc(100vw - 8px); }
#tip[hidden] { display: none; }
#tip dd { margin: 0; font-variant-numeric: tabular-nums; }
.strips { display: flex; flex-wrap: wrap; gap: 1rem; }
.strips figure { margin: 0; max-width: 100%; }
.strip { height: 96px; max-width: 100%; image-rendering: pixelated; display: block; }
summary { cursor: pointer; padding: 0.3rem 0; }
pre { background: #f5f5f5; padding: 1rem; font-size: 0.8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid #0b57a4; outline-offset: 2px; }
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  nav, #methods, #tip, th button::after { display: none !important; }
  .drawn .live { display: none; }
  .drawn .still { display: block; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1rem; }
  .figures figure { max-width: 8.5cm; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .wide { overflow: visible; }
  th, td { white-space: normal; padding: 0.15rem 0.35rem; }
  table, figcaption { font-size: 8pt; }
  caption { max-width: none; }
  pre { font-size: 7pt; padding: 0; background: none; }
}
`;
