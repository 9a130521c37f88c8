import { PROFILES } from '../areas/rules.ts';
import { STATUS_WORDS } from './overview.ts';
import type { ProfileStatus, Report } from './report.ts';

const LABEL = 'kimi conformance';

const COLOURS: Record<ProfileStatus, string> = {
  conformant: '#1a7f4b',
  'non-conformant': '#c2362b',
  unreliable: '#c2362b',
  incomplete: '#946200',
  'not offered': '#6a6f78',
  'not selected': '#6a6f78',
};
/** Of several profiles the worst gives the colour; one that is not offered takes nothing from one that holds. */
const WORST_FIRST = [
  'non-conformant',
  'unreliable',
  'incomplete',
  'conformant',
  'not offered',
  'not selected',
] as const;

/** For the endpoint badge of shields.io. */
export function renderBadgeJson(report: Report): string {
  const { message, colour } = badgeOf(report);
  return `${JSON.stringify({ schemaVersion: 1, label: LABEL, message, color: colour.slice(1) })}\n`;
}

/** A badge drawn by ourselves, to be served or committed as it is. */
export function renderBadgeSvg(report: Report): string {
  const { message, colour } = badgeOf(report);
  const left = widthOf(LABEL) + 16;
  const right = widthOf(message) + 16;
  const text = (x: number, width: number, words: string) =>
    `<text x="${x}" y="14" textLength="${width}" lengthAdjust="spacingAndGlyphs">${words}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${LABEL}: ${message}">
<title>${LABEL}: ${message}</title>
<clipPath id="r"><rect width="${left + right}" height="20" rx="4"/></clipPath>
<g clip-path="url(#r)"><rect width="${left}" height="20" fill="#30343b"/><rect x="${left}" width="${right}" height="20" fill="${colour}"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">${text(8, left - 16, LABEL)}${text(left + 8, right - 16, message)}</g>
</svg>
`;
}

/** Made of our own words only, so there is nothing in it to escape. */
function badgeOf({ profiles, run, exitCode }: Report): { message: string; colour: string } {
  const statuses = PROFILES.map((name) => profiles[name].status);
  const worst = WORST_FIRST.find((status) => statuses.includes(status)) ?? 'not selected';
  if (run.interrupted) return { message: 'interrupted', colour: COLOURS.incomplete };
  if (worst === 'conformant' && exitCode !== 0) return { message: 'not green', colour: COLOURS.incomplete };
  if (worst === 'conformant') {
    const held = PROFILES.filter((name) => profiles[name].status === 'conformant');
    return { message: held.join(' + '), colour: COLOURS.conformant };
  }
  return { message: STATUS_WORDS[worst], colour: COLOURS[worst] };
}

/** Pixels of a text in Verdana 11, near enough: `textLength` makes it exact. */
function widthOf(text: string): number {
  return Math.round(text.length * 6.6);
}
