// The look of a report.
#pragma once

#include <string_view>

namespace triptych::app {

inline constexpr std::string_view report_style = R"css(
:root {
  --page: #faf9f6; --card: #ffffff; --ink: #1d2430; --soft: #5c6675; --line: #e3e1da; --track: #eceae4;
  --shared: #5a4fcf; --first: #0d8577; --second: #c2631c; --good: #16794a; --warn: #b3261e;
  /* Of curves and points, told apart by colour-blind eyes too (after Okabe and Ito), at least 3:1 on a card; dashes and
     shapes say the same without colour. */
  --c0: #0072b2; --c1: #b85c00; --c2: #00805f; --c3: #a8387f; --c4: #7d6b00; --c5: #5a4fcf; --c6: #00819b; --c7: #5f6773;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1c2027; --ink: #e8eaee; --soft: #a0a9b6; --line: #2d333d; --track: #2b313a;
    --shared: #9d94ff; --first: #45c4b3; --second: #f0a060; --good: #5fd09a; --warn: #ff8a80;
    --c0: #56b4e9; --c1: #f0a050; --c2: #2fc79b; --c3: #ea8fc8; --c4: #e3cf4c; --c5: #a9a2ff; --c6: #6fd6e8; --c7: #b4bbc6;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", "Noto Sans CJK JP", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 48px 0 4px; letter-spacing: -0.01em; }
h3 { font-size: 1rem; margin: 0 0 10px; } h3.sub { margin: 26px 0 0; }
p { margin: 6px 0 14px; max-width: 80ch; }
.soft, figcaption { color: var(--soft); }
.small { font-size: 0.86rem; }
.brand { display: flex; align-items: center; gap: 10px; color: var(--soft); font-size: 0.9rem; margin-bottom: 18px; }
.brand svg { width: 34px; height: 22px; }
.contents { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 14px 0; font-size: 0.92rem; }
a { color: var(--shared); }
.lead { font-size: 1.12rem; max-width: 66ch; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 22px 0 8px; }
.tile b { display: block; font-size: 1.8rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 0.86rem; display: block; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 12px; }
.panel { border-top: 4px solid var(--tone); }
.panel h3 { color: var(--tone); }
.tone-shared { --tone: var(--shared); } .tone-0 { --tone: var(--first); } .tone-1 { --tone: var(--second); }
.bar { margin: 12px 0 14px; }
.bar .what { display: flex; justify-content: space-between; gap: 8px; font-size: 0.92rem; }
.bar .what b { font-variant-numeric: tabular-nums; }
.bar svg { display: block; width: 100%; height: 10px; margin: 3px 0; border-radius: 5px; }
.track { fill: var(--track); } .fill { fill: var(--tone, var(--shared)); } .fill.unwanted { opacity: 0.45; }
.chance { stroke: var(--ink); stroke-width: 2; vector-effect: non-scaling-stroke; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 12px; margin: 0; }
.chart { margin: 0; padding: 12px 14px 8px; }
.chart figcaption { font-size: 0.92rem; color: var(--ink); display: flex; justify-content: space-between; gap: 8px; }
.chart svg { display: block; width: 100%; height: auto; }
.chart text { font: 11px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); stroke-width: 1; } .curve { fill: none; stroke: var(--tone, var(--shared));
  stroke-width: 1.8; stroke-linejoin: round; } .dot { fill: var(--tone, var(--shared)); }
.c0 { --tone: var(--c0); } .c1 { --tone: var(--c1); } .c2 { --tone: var(--c2); } .c3 { --tone: var(--c3); }
.c4 { --tone: var(--c4); } .c5 { --tone: var(--c5); } .c6 { --tone: var(--c6); } .c7 { --tone: var(--c7); }
.curve.c1 { stroke-dasharray: 7 3; } .curve.c2 { stroke-dasharray: 2 2.5; } .curve.c3 { stroke-dasharray: 8 3 2 3; }
.curve.c4 { stroke-dasharray: 12 4; } .curve.c5 { stroke-dasharray: 4 2; } .curve.c6 { stroke-dasharray: 6 2 2 2 2 2; }
.curve.c7 { stroke-dasharray: 1 4; stroke-linecap: round; }
.mark { fill: none; stroke: var(--tone, var(--shared)); stroke-width: 5; stroke-linecap: round; stroke-opacity: 0.75; }
.mark.thin { stroke-width: 1.4; stroke-opacity: 1; }
.legend, .runs { list-style: none; margin: 6px 0 2px; padding: 0; font-size: 0.84rem; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; }
.legend li { display: flex; align-items: center; gap: 6px; overflow-wrap: anywhere; min-width: 0; }
.chart .legend svg, .run-key { width: 26px; height: 8px; flex: none; display: inline-block; }
.chart .legend .dot-key { width: 12px; height: 12px; }
.runs li { margin: 4px 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 3px solid var(--shared); outline-offset: 2px; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }  /* read out only */
.heat { width: auto; border-collapse: separate; border-spacing: 3px; }
.heat th { font-weight: 500; white-space: nowrap; border: 0; padding: 4px 8px; }
.heat th[scope="row"] { text-align: left; }
.heat td { min-width: 74px; height: 40px; padding: 4px 8px; text-align: center; border: 2px solid transparent;
  border-radius: 6px; }
/* At most 55 %, so that the number in the cell keeps its contrast. */
.heat td[style] { background: color-mix(in srgb, var(--shared) calc(var(--v) * 55%), var(--track)); }
.heat td.high, .heat tr:last-child td.high { border: 2px solid var(--ink); }
.heat td.absent, .heat tr:last-child td.absent { color: var(--soft); background: none; border: 1px dashed var(--line); }
.looks { width: auto; } .looks td, .looks th { border: 0; padding: 4px 6px; text-align: center; }
.looks th[scope="row"] { display: flex; gap: 8px; align-items: center; text-align: left; color: var(--ink); min-width: 150px; }
.looks td svg { width: 64px; height: 64px; min-width: 64px; border-radius: 6px; background: #fff; }
.veil { fill: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.94rem; }
th, td { text-align: right; padding: 7px 10px; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, .left { text-align: left; }
th { color: var(--soft); font-weight: 500; font-size: 0.86rem; } th[scope="row"] { min-width: 130px; }
tr:target { background: var(--track); } table.tape th:first-child, table.tape td:first-child { text-align: right; }
tr.total td { font-weight: 650; } tr:last-child td, tr:last-child th { border-bottom: 0; }
.bars td { padding: 8px 4px; } .bars td:first-child { width: 50%; } .bars td:last-child { white-space: nowrap; }
td svg { display: block; width: 100%; min-width: 56px; height: 10px; border-radius: 5px; }
.example { display: grid; grid-template-columns: 150px 1fr; gap: 16px; padding: 14px 0; border-bottom: 1px solid var(--line);
  break-inside: avoid; }
.example:last-child { border-bottom: 0; }
.query { display: flex; flex-direction: column; justify-content: center; font-weight: 600; overflow-wrap: anywhere; }
.query .soft { font-weight: 400; }
.found { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 8px; margin: 0; padding: 0; list-style: none; }
.found li { border: 1px solid var(--line); border-radius: 8px; padding: 8px 6px; text-align: center; font-size: 0.86rem;
  line-height: 1.3; overflow-wrap: anywhere; }
.found li.match { border: 2px solid var(--good); }
.found li.truth { border: 1px dashed var(--good); }
.found .mark { display: block; font-size: 0.76rem; color: var(--soft); }
.match .mark { color: var(--good); font-weight: 650; }
img { width: 48px; height: 48px; background: #fff; border-radius: 6px; padding: 2px; }
img.grid { width: auto; height: auto; max-width: none; padding: 0; border-radius: 0; }
.query img { width: 68px; height: 68px; margin-bottom: 4px; }
ul.plain { padding-left: 1.2em; margin: 8px 0; } ul.plain li { margin: 4px 0; max-width: 78ch; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; overflow-x: auto;
  font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font: 0.92em ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
details summary { cursor: pointer; color: var(--soft); margin: 10px 0; }
.note { border-left: 4px solid var(--warn); padding: 8px 14px; background: var(--card); }
.note.live { border-left-color: var(--shared); }
footer { margin-top: 48px; color: var(--soft); font-size: 0.86rem; }
@media (max-width: 640px) {
  main { padding: 24px 14px 40px; } h1 { font-size: 1.5rem; }
  .example { grid-template-columns: 1fr; } .found { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .query { flex-direction: row; justify-content: flex-start; align-items: center; gap: 10px; flex-wrap: wrap; }
}
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --track: #eee; --shared: #5a4fcf;
    --first: #0d8577; --second: #c2631c; --good: #16794a; --warn: #b3261e; --c0: #0072b2; --c1: #b85c00; --c2: #00805f;
    --c3: #a8387f; --c4: #7d6b00; --c5: #5a4fcf; --c6: #00819b; --c7: #5f6773; }
  .scroll { overflow: visible; } .heat td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { background: #fff; font-size: 11pt; } main { max-width: none; padding: 0; } .card, figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; } svg, .fill { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace triptych::app
