import { type LabelledLine, readLine } from './labels.ts';
import { SECTION_RULES, SECTIONS, type Section } from './sections.ts';

/** A summary read back: what it says of itself, and its lines. */
export interface ReadSummary {
  /** Undefined where its head was cut off. */
  readonly snapshotId: string | undefined;
  /** Letters → id of the earlier snapshots it names. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly lines: readonly (LabelledLine & { readonly section: Section })[];
}

const HEAD = /^(?:# )?Summary of snapshot (\S+)$/;
const EARLIER = /^Earlier snapshots: (.+)$/;
const SECTION_OF_TITLE = new Map<string, Section>(SECTIONS.map((section) => [SECTION_RULES[section].title, section]));

/** Reads a summary of any format. Lines that are none of ours are left out. */
export function readSummary(content: string): ReadSummary {
  return content.startsWith('{') ? readJson(content) : readLines(content);
}

function readLines(content: string): ReadSummary {
  const lines: ReadSummary['lines'][number][] = [];
  const aliases = new Map<string, string>();
  let snapshotId: string | undefined;
  let section: Section = 'notes';
  for (const [index, raw] of content.split('\n').entries()) {
    if (index === 0) snapshotId = HEAD.exec(raw)?.[1];
    const named = index === 2 && snapshotId !== undefined ? EARLIER.exec(raw)?.[1] : undefined;
    for (const pair of named?.split(' ') ?? []) {
      const [letters = '', id = ''] = pair.split('=');
      aliases.set(letters, id);
    }
    const heading = SECTION_OF_TITLE.get(raw.replace(/^## |:$/g, ''));
    const line = heading === undefined ? readLine(raw.replace(/^- /, '')) : undefined;
    if (heading !== undefined) section = heading;
    else if (line !== undefined) lines.push({ ...line, section });
  }
  return { snapshotId, aliases, lines };
}

function readJson(content: string): ReadSummary {
  const parsed = parseObject(content);
  const { summary_of: snapshotId, earlier } = parsed;
  const aliases = new Map<string, string>();
  for (const [letters, id] of Object.entries(isObject(earlier) ? earlier : {})) aliases.set(letters, String(id));
  const lines = SECTIONS.flatMap((section) => {
    const items = parsed[section];
    return (Array.isArray(items) ? items : []).flatMap((item) => {
      const line = typeof item === 'string' ? readLine(item) : undefined;
      return line === undefined ? [] : [{ ...line, section }];
    });
  });
  return { snapshotId: typeof snapshotId === 'string' ? snapshotId : undefined, aliases, lines };
}

function parseObject(content: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
