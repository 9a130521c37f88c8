import { PROFILES } from '../areas/rules.ts';
import { VERDICTS, type Verdict } from '../core/verdict.ts';
import { escapeHtml, proseHtml } from './html-text.ts';
import { type Area, type Result, ruleOf, textOf } from './overview.ts';
import { plural } from './text.ts';

/** A sign for each verdict, so that colour is never alone. */
export const SIGNS: Record<Verdict, string> = {
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

export function verdictWord(verdict: Verdict, count = 1): string {
  return VERDICT_WORDS[verdict][count === 1 ? 0 : 1];
}

/** The class that gives a verdict its colour. */
export function tone(verdict: Verdict): string {
  return `v-${verdict.replace(/\W|_/g, '')}`;
}

/** Where a check stands in the page. */
export function anchor(id: string): string {
  return `check:${id}`;
}

/** Areas by profile, each a row that unfolds to its checks. */
export function areasHtml(areas: readonly Area[], known: ReadonlySet<string>): string {
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
  const { id, case: owner, verdict, level, evidence, clause, profile, message, exchanges = [] } = result;
  const name = id.startsWith(`${owner}/`) ? id.slice(owner.length + 1) : id;
  const brief =
    message === undefined || verdict === 'pass'
      ? ''
      : `<span class="brief">${escapeHtml(message.slice(0, 300))}</span>`;
  return `<details class="check" id="${escapeHtml(anchor(id))}" data-verdict="${verdict}" data-profile="${profile}" data-area="${escapeHtml(area)}">
<summary><span class="sign ${tone(verdict)}" aria-hidden="true">${SIGNS[verdict]}</span><span class="id"><span>${escapeHtml(owner)}/</span>${escapeHtml(name)}</span>${known ? '<span class="tag">known failure</span>' : ''}<span class="word ${tone(verdict)}">${verdictWord(verdict)}</span>${brief}</summary>
<div class="inside"><p class="rule">${proseHtml(textOf(clause))}</p>
<p class="meta"><span class="tag">${level}</span><span class="tag" title="${EVIDENCE_WORDS[evidence]}">${evidence}</span><code>${escapeHtml(clause)}</code></p>
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
export function unseenRulesHtml(clauses: readonly string[]): string {
  const items = clauses.map((id) => {
    return `<li><code>${escapeHtml(id)}</code> ${proseHtml(textOf(id))} <span class="dim">${escapeHtml(ruleOf(id)?.verified ?? '')}</span></li>`;
  });
  return `<details class="more"><summary>Not to be seen from outside: ${plural(clauses.length, 'rule')}</summary>
<p class="dim">For the emulator these are shown by tests of its source; of another server a run from outside says nothing about them.</p>
<ul>${items.join('\n')}</ul></details>`;
}
