import { createHash } from 'node:crypto';
import { plural, visible } from '../../emulator/terminal/text.ts';
import { PROFILES, type Profile, RULE_IDS, RULES } from '../areas/rules.ts';
import { EXIT } from '../core/summary.ts';
import { VERDICTS, type Verdict } from '../core/verdict.ts';
import { SCRIPT, STYLE } from './html-assets.ts';
import {
  type Area,
  areaOf,
  conclude,
  type Group,
  groupBy,
  type Overview,
  outcomeOf,
  overviewOf,
  problemsOf,
  type Result,
  ruleOf,
  STATUS_WORDS,
  spendingLine,
  subjectOf,
  textOf,
} from './overview.ts';
import type { Report } from './report.ts';

const MAX_LINKS = 8;

/**
 * The report as one page that asks nothing of the network. It reads without its script, which only filters. Its policy lets run what the kit wrote
 * and nothing else, should a text of a target ever get past the escaping.
 */
export function renderHtml(report: Report): string {
  const overview = overviewOf(report);
  const known = new Set(report.baseline?.known);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src '${hash(STYLE)}'; script-src '${hash(SCRIPT)}'; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(headline(report))}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header class="${mood(report)}">
<p class="over">Kimi conformance</p>
<h1>${escapeHtml(headline(report))}</h1>
<p class="dim">${subjectOf(report).slice(1).map(escapeHtml).join(' · ')}</p>
</header>
<main>
<div class="cards">${PROFILES.map((profile) => cardHtml(report, profile)).join('\n')}</div>
${problemsHtml(report)}
${findingsHtml('Failed rules', overview.broken)}
${findingsHtml('No result', overview.unjudged)}
${untriedHtml('Known failures', overview.known)}
${untriedHtml('Skipped, and why', overview.untried)}
${filtersHtml(report, overview)}
${areasHtml(overview.areas, known)}
<p id="none" hidden>No check matches.</p>
${targetHtml(report)}
${unseenRulesHtml(RULE_IDS.filter((id) => RULES[id].verified !== 'wire'))}
</main>
<footer class="dim"><p>${escapeHtml(spendingLine(report))} ${retriesText(report)}</p><p>Exit code ${report.exitCode}: ${escapeHtml(outcomeOf(report))}. Run <code>${escapeHtml(report.run.id)}</code>.</p></footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function headline(report: Report): string {
  const fails = report.results.filter(({ id, verdict }) => verdict === 'fail' && !report.baseline?.known.includes(id));
  const { name } = report.target;
  const subject = name === 'emulator' ? 'The emulator' : name;
  if (report.run.interrupted) return `${subject}: the run was interrupted`;
  if (fails.length > 0) return `${subject} breaks ${plural(new Set(fails.map(({ rule }) => rule)).size, 'rule')}`;
  if (report.exitCode === EXIT.conformant) return `${subject} is conformant`;
  return `${subject}: ${outcomeOf(report)}`;
}

function mood({ exitCode }: Report): string {
  return exitCode === EXIT.conformant ? 'good' : exitCode === EXIT.nonConformant ? 'bad' : 'unsure';
}

function cardHtml(report: Report, profile: Profile): string {
  const { status, counts } = report.profiles[profile];
  const bar = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) => ({ verdict, count: counts[verdict] }));
  const all = bar.reduce((sum, { count }) => sum + count, 0);
  // The policy allows no style attribute, so no width: a picture scales by itself.
  let start = 0;
  const parts = bar.map(({ verdict, count }) => {
    const part = `<rect class="${tone(verdict)}" x="${start}" width="${count}" height="1"/>`;
    start += count;
    return part;
  });
  const legend = bar.map(({ verdict, count }) => {
    return `<li class="${tone(verdict)}"><b>${count}</b> ${verdictWord(verdict, count)}</li>`;
  });
  return `<article class="card s-${status.replaceAll(' ', '-')}"><h2>${profile}<span>${STATUS_WORDS[status]}</span></h2>
<svg class="bar" viewBox="0 0 ${Math.max(all, 1)} 1" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(conclude(report, profile))}">${parts.join('')}</svg>
<ul>${legend.join('')}${all === 0 ? '<li>No check of it was run.</li>' : ''}</ul></article>`;
}

function problemsHtml(report: Report): string {
  const items = problemsOf(report).map((problem) => `<li>${escapeHtml(problem)}</li>`);
  return items.length === 0 ? '' : `<section class="box bad"><h2>The run</h2><ul>${items.join('\n')}</ul></section>`;
}

function findingsHtml(title: string, groups: readonly Group[]): string {
  if (groups.length === 0) return '';
  const items = groups.map(({ verdict, message, results }) => {
    const links = results
      .slice(0, MAX_LINKS)
      .map(({ id }) => `<a href="#${encodeURIComponent(anchor(id))}">${escapeHtml(id)}</a>`);
    const more = results.length > links.length ? ` and ${results.length - links.length} more` : '';
    return `<li><span class="sign ${tone(verdict)}" title="${verdictWord(verdict)}">${SIGNS[verdict]}</span><div><p class="links">${links.join(' ')}${more}</p><p class="why">${escapeHtml(message)}</p></div></li>`;
  });
  return `<section class="box findings"><h2>${title}</h2><ul>${items.join('\n')}</ul></section>`;
}

function untriedHtml(title: string, groups: readonly Group[]): string {
  if (groups.length === 0) return '';
  const items = groups.map(({ message, results }) => {
    const places = groupBy(results, ({ rule }) => areaOf(rule)).map(
      ([{ rule }, all]) => `${areaOf(rule)} ${all.length}`,
    );
    return `<li><b>${plural(results.length, 'check')}</b> <span>${escapeHtml(message)}</span> <span class="dim">${escapeHtml(places.join(', '))}</span></li>`;
  });
  return `<section class="box"><h2>${title}</h2><ul class="untried">${items.join('\n')}</ul></section>`;
}

function filtersHtml({ results }: Report, { areas }: Overview): string {
  const chips = VERDICTS.map((verdict) => ({
    verdict,
    count: results.filter((result) => result.verdict === verdict).length,
  }))
    .filter(({ count }) => count > 0)
    .map(
      ({ verdict, count }) =>
        `<button type="button" class="${tone(verdict)}" data-filter="${verdict}" aria-pressed="false">${verdictWord(verdict, count)} <b>${count}</b></button>`,
    );
  const names = [...new Set(areas.map(({ area }) => area))];
  return `<form id="filters" hidden><input type="search" name="text" placeholder="Search ${plural(results.length, 'check')}" aria-label="Search" autocomplete="off">
<select name="profile" aria-label="Profile"><option value="">Every profile</option>${PROFILES.map(option).join('')}</select>
<select name="area" aria-label="Area"><option value="">Every area</option>${names.map(option).join('')}</select>
<div class="chips" role="group" aria-label="Verdict">${chips.join('')}</div><p id="shown" class="dim" role="status"></p></form>`;
}

function option(value: string): string {
  return `<option>${escapeHtml(value)}</option>`;
}

function targetHtml({ target }: Report): string {
  const capabilities = Object.entries(target.capabilities).map(([name, { declared, probed, status }]) => {
    return `<tr><td><code>${escapeHtml(name)}</code></td><td>${status}</td><td class="dim">declared ${declared}, probed ${probed}</td></tr>`;
  });
  const limits = Object.entries(target.limits).map(([name, value]) => {
    return `<tr><td><code>${escapeHtml(name)}</code></td><td>${value.toLocaleString('en-US')}</td></tr>`;
  });
  return `<details class="more"><summary>The target: what it offers, and its limits</summary><div class="two"><table>${capabilities.join('\n')}</table><table>${limits.join('\n')}</table></div></details>`;
}

function retriesText({ retries }: Report): string {
  if (retries.length === 0) return 'No request was retried.';
  const groups = groupBy(retries, ({ request, reason }) => `${request} ${reason}`).slice(0, MAX_LINKS);
  const told = groups.map(([{ request, reason }, all]) => escapeHtml(`${all.length} × ${request} (${reason})`));
  return `Retries: ${told.join(', ')}.`;
}

/** A sign for each verdict, so that colour is never alone. */
const SIGNS: Record<Verdict, string> = {
  pass: '✓',
  fail: '✕',
  warn: '!',
  info: 'i',
  'n/a': '–',
  not_run: '○',
  error: '?',
};

/** One check, and several. */
const VERDICT_WORDS: Record<Verdict, readonly [string, string]> = {
  pass: ['holds', 'hold'],
  fail: ['broken', 'broken'],
  warn: ['warning', 'warnings'],
  info: ['noted', 'noted'],
  'n/a': ['not offered', 'not offered'],
  not_run: ['not run', 'not run'],
  error: ['error', 'errors'],
};

function verdictWord(verdict: Verdict, count = 1): string {
  return VERDICT_WORDS[verdict][count === 1 ? 0 : 1];
}

/** The class that gives a verdict its colour. */
function tone(verdict: Verdict): string {
  return `v-${verdict.replace(/\W|_/g, '')}`;
}

/** Where a check stands in the page. */
function anchor(id: string): string {
  return `check:${id}`;
}

/** Areas by profile, each a row that unfolds to its checks. */
function areasHtml(areas: readonly Area[], known: ReadonlySet<string>): string {
  return PROFILES.map((profile) => {
    const mine = areas.filter((area) => area.profile === profile);
    const rows = mine.map((area) => areaHtml(area, known)).join('\n');
    return mine.length === 0 ? '' : `<section class="profile" data-part><h2>${profile}</h2>\n${rows}\n</section>`;
  }).join('\n');
}

function areaHtml({ profile, area, results, counts }: Area, known: ReadonlySet<string>): string {
  const cells = results.map(({ verdict, id }) => {
    return `<i class="${tone(verdict)}" title="${escapeHtml(id)}: ${verdictWord(verdict)}">${verdict === 'pass' ? '' : SIGNS[verdict]}</i>`;
  });
  const tally = VERDICTS.filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `<b class="${tone(verdict)}">${counts[verdict]} ${verdictWord(verdict, counts[verdict])}</b>`)
    .join(' ');
  return `<details class="area" data-part data-area="${escapeHtml(area)}" data-profile="${profile}">
<summary><span class="name">${escapeHtml(area)}</span><span class="cells" aria-hidden="true">${cells.join('')}</span><span class="tally">${tally}</span></summary>
${results.map((result) => checkHtml(result, known.has(result.id), area)).join('\n')}
</details>`;
}

function checkHtml(result: Result, known: boolean, area: string): string {
  const { id, case: owner, verdict, level, evidence, rule, profile, message, exchanges = [] } = result;
  const name = id.startsWith(`${owner}/`) ? id.slice(owner.length + 1) : id;
  const brief =
    message === undefined || verdict === 'pass'
      ? ''
      : `<span class="brief">${escapeHtml(message.slice(0, 300))}</span>`;
  return `<details class="check" id="${escapeHtml(anchor(id))}" data-verdict="${verdict}" data-profile="${profile}" data-area="${escapeHtml(area)}">
<summary><span class="sign ${tone(verdict)}" aria-hidden="true">${SIGNS[verdict]}</span><span class="id"><span>${escapeHtml(owner)}/</span>${escapeHtml(name)}</span>${known ? '<span class="tag">known failure</span>' : ''}<span class="word ${tone(verdict)}">${verdictWord(verdict)}</span>${brief}</summary>
<div class="inside"><p class="rule">${proseHtml(textOf(rule))}</p>
<p class="meta"><span class="tag">${level}</span><span class="tag" title="${EVIDENCE_WORDS[evidence]}">${evidence}</span><code>${escapeHtml(rule)}</code></p>
${message ? `<h4>What was seen</h4><pre>${escapeHtml(message)}</pre>` : ''}${exchangesHtml(exchanges)}</div>
</details>`;
}

const EVIDENCE_WORDS: Record<Result['evidence'], string> = {
  article: 'Stated by the article that defined the session dialect.',
  kimi: 'Documented by Moonshot, or captured from the live service.',
  ours: 'Decided by this project.',
};

function exchangesHtml(exchanges: readonly string[]): string {
  if (exchanges.length === 0) return '';
  const items = exchanges.map((exchange) => `<li><pre>${escapeHtml(exchange)}</pre></li>`).join('');
  return `<h4>The last ${exchanges.length === 1 ? 'exchange' : `${exchanges.length} exchanges`}</h4><ol class="exchanges">${items}</ol>`;
}

/** Rules that nobody can see from outside: which test shows them. */
function unseenRulesHtml(rules: readonly string[]): string {
  const items = rules.map((id) => {
    return `<li><code>${escapeHtml(id)}</code> ${proseHtml(textOf(id))} <span class="dim">${escapeHtml(ruleOf(id)?.verified ?? '')}</span></li>`;
  });
  return `<details class="more"><summary>Not testable from outside: ${plural(rules.length, 'rule')}</summary>
<p class="dim">For the emulator these are shown by tests of its source; of another server a run from outside says nothing about them.</p>
<ul>${items.join('\n')}</ul></details>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A text as it stands, fit for an element and for a quoted attribute. */
function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** The same with what stands between backticks in code letters, as the rules are written. */
function proseHtml(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}
