/** How the page looks: one column of prose width, small on phones, and colours for light and dark rooms. */
export const STYLE = `
:root { --ground: #f7f6f3; --paper: #fff; --ink: #1d1f23; --dim: #62666e; --line: #e2e0da; --wash: #f1efea;
  --pass: #1b7a4a; --fail: #bd2f26; --warn: #946200; --info: #2f64ad; --none: #70747c; --error: #8a3a9c;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14161a; --paper: #1c1f24; --ink: #e7e5e0; --dim: #9aa0a9; --line: #2d3138; --wash: #24282e;
    --pass: #5cc48c; --fail: #ff8277; --warn: #e3b04b; --info: #82b1f0; --none: #969ca5; --error: #d694e6; }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 8rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; }
header, main, footer { max-width: 1060px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 44px; }
h1 { font-size: clamp(1.6rem, 5vw, 2.5rem); line-height: 1.15; letter-spacing: -.022em; font-weight: 650; margin: .1em 0 .3em; overflow-wrap: anywhere; text-wrap: balance; }
h2 { font-size: 1.02rem; margin: 0 0 10px; font-weight: 650; }
h4 { font-size: .78rem; margin: 14px 0 4px; color: var(--dim); font-weight: 600; }
p { margin: 0; }
ul, ol { margin: 0; padding: 0; list-style: none; }
code, pre, .id, .links { font-family: var(--mono); font-size: .875em; }
.dim { color: var(--dim); }
.over { color: var(--dim); font-size: .82rem; font-weight: 600; letter-spacing: .04em; }
.over::before { content: ''; display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .55em; background: var(--tone); }
.good { --tone: var(--pass); } .bad { --tone: var(--fail); } .unsure { --tone: var(--warn); }
.v-pass { --tone: var(--pass); } .v-fail { --tone: var(--fail); } .v-warn { --tone: var(--warn); } .v-info { --tone: var(--info); }
.v-na, .v-notrun { --tone: var(--none); } .v-error { --tone: var(--error); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 16px; margin: 28px 0 16px; }
.card, .box, .area, .more { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; }
.card { padding: 18px 20px 16px; --tone: var(--none); }
.s-conformant { --tone: var(--pass); } .s-non-conformant { --tone: var(--fail); } .s-incomplete { --tone: var(--warn); }
.card h2 { display: flex; justify-content: space-between; align-items: baseline; gap: 12px; font-size: 1.15rem; margin: 0 0 12px; }
.card h2 span { color: var(--tone); font-size: .95rem; }
.bar { display: block; width: 100%; height: 10px; border-radius: 5px; background: var(--wash); margin-bottom: 12px; }
.bar rect { fill: var(--tone); }
.bar .v-na, .bar .v-notrun { fill-opacity: .4; }
.card ul { display: flex; flex-wrap: wrap; gap: 2px 18px; color: var(--dim); font-size: .9rem; }
.card li b { color: var(--tone); font-variant-numeric: tabular-nums; }
.box { padding: 18px 20px; margin: 16px 0; }
.box.bad { border-color: var(--tone); }
.box.bad li { padding: 3px 0; overflow-wrap: anywhere; }
.findings li { display: grid; grid-template-columns: 24px minmax(0, 1fr); gap: 10px; padding: 10px 0; border-top: 1px solid var(--line); }
.findings li:last-child { padding-bottom: 0; }
.findings li:first-child { border-top: 0; padding-top: 2px; }
.links a { color: var(--ink); font-weight: 600; text-decoration-color: var(--dim); text-underline-offset: 3px; overflow-wrap: anywhere; margin-right: .8em; }
.links a:hover { color: var(--info); }
.why { color: var(--dim); overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.untried li { display: grid; grid-template-columns: 90px minmax(0, 1fr) auto; gap: 4px 14px; padding: 5px 0; overflow-wrap: anywhere; }
.untried span:nth-child(2) { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
#filters { position: sticky; top: 0; z-index: 2; display: grid; grid-template-columns: minmax(0, 1fr) auto auto; gap: 10px; padding: 14px 0; margin-top: 18px;
  background: var(--ground); border-bottom: 1px solid var(--line); }
#filters[hidden], [hidden] { display: none !important; }
input, select, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 7px 11px; min-width: 0; max-width: 100%; }
:focus-visible { outline: 2px solid var(--info); outline-offset: 2px; }
.chips { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 8px; }
.chips button { padding: 3px 12px; border-radius: 99px; font-size: .88rem; cursor: pointer; }
.chips b { color: var(--tone); font-variant-numeric: tabular-nums; margin-left: 3px; }
.chips [aria-pressed=true] { background: var(--tone); border-color: var(--tone); color: var(--paper); }
.chips [aria-pressed=true] b { color: inherit; }
#shown { grid-column: 1 / -1; font-size: .88rem; }
#shown:empty { display: none; }
.profile { margin-top: 26px; }
.area { margin: 8px 0; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
.area > summary { display: grid; grid-template-columns: 130px minmax(0, 1fr) auto; gap: 6px 18px; align-items: center; padding: 11px 18px; }
.area > summary:hover, .check > summary:hover { background: var(--wash); border-radius: 9px; }
.area[open] > summary { border-bottom: 1px solid var(--line); border-radius: 9px 9px 0 0; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.name::before { content: '›'; display: inline-block; width: 1em; color: var(--dim); }
.area[open] .name::before { transform: rotate(90deg) translateX(-1px); transform-origin: 30% 55%; }
.cells { display: flex; flex-wrap: wrap; gap: 3px; }
.cells i { width: 13px; height: 13px; border-radius: 3px; background: var(--tone); color: var(--paper); font: 700 10px/13px system-ui, sans-serif; text-align: center; overflow: hidden; }
.cells .v-pass { opacity: .55; }
.cells .v-na, .cells .v-notrun { background: none; box-shadow: inset 0 0 0 1.5px var(--line); color: var(--none); }
.tally { color: var(--dim); font-size: .86rem; text-align: right; }
.tally b { font-weight: 500; margin-left: 10px; color: var(--tone); font-variant-numeric: tabular-nums; white-space: nowrap; }
.check { border-top: 1px solid var(--line); }
.area > summary + .check { border-top: 0; }
.check > summary { display: grid; grid-template-columns: 22px minmax(0, 1fr) auto auto; gap: 0 12px; align-items: center; padding: 8px 18px; }
.sign { display: inline-block; width: 20px; height: 20px; border-radius: 50%; background: var(--tone); color: var(--paper); font: 700 12px/20px system-ui, sans-serif; text-align: center; }
.id { overflow-wrap: anywhere; grid-column: 2; }
.id span { color: var(--dim); }
.word { color: var(--tone); font-size: .86rem; white-space: nowrap; grid-column: 4; }
.check .brief { grid-column: 2 / -1; color: var(--dim); font-size: .9rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.check[open] .brief { display: none; }
.inside { padding: 2px 18px 18px 52px; }
.rule { font-size: 1.02rem; max-width: 66ch; text-wrap: pretty; }
.meta { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 8px; color: var(--dim); }
.tag { border: 1px solid var(--line); border-radius: 5px; padding: 0 7px; font-size: .8rem; color: var(--dim); white-space: nowrap; }
pre { margin: 0; padding: 10px 13px; background: var(--wash); border-radius: 7px; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 22em; overflow: auto; }
.exchanges li + li { margin-top: 6px; }
.more { margin: 12px 0; }
.more > summary { padding: 12px 18px; font-weight: 600; }
.more > summary::before { content: '›'; display: inline-block; width: 1em; color: var(--dim); }
.more > :not(summary) { padding: 0 18px 16px; margin: 0; }
.more li { padding: 5px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.profile + .more, #none + .more { margin-top: 34px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 20px; align-items: start; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td { padding: 4px 10px 4px 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
#none { padding: 40px 0; text-align: center; color: var(--dim); }
footer { padding-top: 20px; padding-bottom: 48px; font-size: .86rem; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 28px; }
  html { scroll-padding-top: 12rem; }
  #filters { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 8px; }
  #filters input { grid-column: 1 / -1; }
  .chips { flex-wrap: nowrap; overflow-x: auto; margin: 0 -16px; padding: 2px 16px; scrollbar-width: none; }
  .chips button { flex: none; }
  .area > summary { grid-template-columns: minmax(0, 1fr) auto; padding: 11px 14px; }
  .cells { grid-column: 1 / -1; grid-row: 2; }
  .check > summary { padding: 9px 14px; grid-template-columns: 22px minmax(0, 1fr) auto; }
  .check .tag { grid-column: 2; justify-self: start; }
  .word { grid-column: 3; grid-row: 1; }
  .inside { padding: 2px 14px 16px; }
  .untried li { grid-template-columns: minmax(0, 1fr); gap: 0; padding: 8px 0; border-top: 1px solid var(--line); }
  .untried li:first-child { border-top: 0; }
}
@media print { #filters { display: none; } .area, .card, .box { break-inside: avoid; } }
`;

/** Filters the checks of the page by verdict, profile, area and text, and opens what an address points to. */
export const SCRIPT = `
'use strict';
const form = document.getElementById('filters');
const shown = document.getElementById('shown');
const none = document.getElementById('none');
const checks = [...document.querySelectorAll('.check')];
const areas = [...document.querySelectorAll('.area')];
const chips = [...form.querySelectorAll('[data-filter]')];
const texts = new Map();
const textOf = (check) => {
  if (!texts.has(check)) texts.set(check, check.textContent.toLowerCase());
  return texts.get(check);
};
let filtered = false;

function apply() {
  const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const profile = form.elements.profile.value;
  const area = form.elements.area.value;
  const verdicts = chips.filter((chip) => chip.ariaPressed === 'true').map((chip) => chip.dataset.filter);
  const active = words.length > 0 || profile !== '' || area !== '' || verdicts.length > 0;
  let count = 0;
  for (const check of checks) {
    const fits =
      (verdicts.length === 0 || verdicts.includes(check.dataset.verdict)) &&
      (profile === '' || profile === check.dataset.profile) &&
      (area === '' || area === check.dataset.area) &&
      words.every((word) => textOf(check).includes(word));
    check.hidden = !fits;
    if (fits) count += 1;
  }
  for (const part of document.querySelectorAll('[data-part]')) {
    part.hidden = !part.querySelector('.check:not([hidden])');
  }
  if (active !== filtered) for (const one of areas) one.open = active;
  filtered = active;
  shown.textContent = active ? count + ' of ' + checks.length + ' checks' : '';
  none.hidden = count > 0;
}

function follow() {
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* an invalid address points nowhere */ }
  const check = document.getElementById(id);
  if (!check || !check.classList.contains('check')) return;
  form.reset();
  for (const chip of chips) chip.ariaPressed = 'false';
  apply();
  check.closest('.area').open = true;
  check.open = true;
  check.scrollIntoView({ block: 'start' });
}

for (const chip of chips) {
  chip.addEventListener('click', () => {
    chip.ariaPressed = String(chip.ariaPressed !== 'true');
    apply();
  });
}
form.addEventListener('input', apply);
form.addEventListener('submit', (event) => event.preventDefault());
addEventListener('hashchange', follow);
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element && event.target.closest('a[href^="#"]');
  if (link && link.hash === location.hash) follow();
});
form.hidden = false;
apply();
follow();
`;
