import { createHash } from 'node:crypto';
import { PROFILES, type Profile, RULE_IDS, RULES } from '../areas/rules.ts';
import { EXIT } from '../core/exit-code.ts';
import { VERDICTS } from '../core/verdict.ts';
import { conclude, outcomeOf, problemsOf, STANDING_WORDS, spendingLine, subjectOf } from './conclusion.ts';
import { anchor, areasHtml, SIGNS, tone, unseenRulesHtml, verdictWord } from './html-checks.ts';
import { SCRIPT } from './html-script.ts';
import { STYLE } from './html-style.ts';
import { escapeHtml } from './html-text.ts';
import { areaOf, type Group, groupBy, type Overview, overviewOf } from './overview.ts';
import type { Report } from './report.ts';
import { plural } from './text.ts';

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
${findingsHtml('What does not hold', overview.broken)}
${findingsHtml('What could not be judged', overview.unjudged)}
${untriedHtml('Known failures', overview.known)}
${untriedHtml('What was not tried, and why', overview.untried)}
${filtersHtml(report, overview)}
${areasHtml(overview.areas, known)}
<p id="none" hidden>No check fits.</p>
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
  if (fails.length > 0) return `${subject} breaks ${plural(new Set(fails.map(({ clause }) => clause)).size, 'rule')}`;
  if (report.exitCode === EXIT.conformant) return `${subject} is conformant`;
  return `${subject}: ${outcomeOf(report)}`;
}

function mood({ exitCode }: Report): string {
  return exitCode === EXIT.conformant ? 'good' : exitCode === EXIT.nonConformant ? 'bad' : 'unsure';
}

function cardHtml(report: Report, profile: Profile): string {
  const { standing, counts } = report.profiles[profile];
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
  return `<article class="card s-${standing.replaceAll(' ', '-')}"><h2>${profile}<span>${STANDING_WORDS[standing]}</span></h2>
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
    const places = groupBy(results, ({ clause }) => areaOf(clause)).map(
      ([{ clause }, all]) => `${areaOf(clause)} ${all.length}`,
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
  const capabilities = Object.entries(target.capabilities).map(([name, { declared, probed, standing }]) => {
    return `<tr><td><code>${escapeHtml(name)}</code></td><td>${standing}</td><td class="dim">declared ${declared}, probed ${probed}</td></tr>`;
  });
  const limits = Object.entries(target.limits).map(([name, value]) => {
    return `<tr><td><code>${escapeHtml(name)}</code></td><td>${value.toLocaleString('en-US')}</td></tr>`;
  });
  return `<details class="more"><summary>The target: what it offers, and its limits</summary><div class="two"><table>${capabilities.join('\n')}</table><table>${limits.join('\n')}</table></div></details>`;
}

function retriesText({ retries }: Report): string {
  if (retries.length === 0) return 'No request was sent twice.';
  const groups = groupBy(retries, ({ request, reason }) => `${request} ${reason}`).slice(0, MAX_LINKS);
  const told = groups.map(([{ request, reason }, all]) => escapeHtml(`${all.length} × ${request} (${reason})`));
  return `Sent again: ${told.join(', ')}.`;
}
