import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { oneLine, shorten, visible } from './text.ts';

/** A text as it stands, in one line of Markdown or one cell of a table: nothing in it is markup, a link or a mention. */
export function plain(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_[\]|~$@&<>]|:(?=\/\/)/g, entity)
    .replace(/(?<=www)\./gi, entity);
}

function entity(mark: string): string {
  return `&#${mark.charCodeAt(0)};`;
}

/** A text in code letters, where GitHub makes no links, mentions or pictures of anything; also in a cell of a table. */
export function code(text: string): string {
  return text === '' ? '' : `<code>${plain(text)}</code>`;
}

/** A text of our own, in which backticks stand for code. */
export function prose(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? code(part) : plain(part)))
    .join('');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Ends with an empty line, as a table has to. */
export function table(
  headings: readonly string[],
  align: readonly ('left' | 'right')[],
  rows: readonly string[][],
): string[] {
  return [row(headings), row(align.map((side) => (side === 'left' ? ':--' : '--:'))), ...rows.map(row), ''];
}

/** One annotation of a GitHub job. */
export interface Annotation {
  kind: 'error' | 'warning' | 'notice';
  title: string;
  message: string;
}

/** GitHub shows ten of each kind for a step and drops the rest without a word; the last one says how many more there are. */
const MOST = 10;
const MAX_MESSAGE = 1_000;
const MAX_TITLE = 120;

/** Workflow commands for the log of a GitHub job. @param title of the annotation that stands for those left out */
export function renderAnnotations(annotations: readonly Annotation[], title: string): string {
  return (['error', 'warning', 'notice'] as const)
    .flatMap((kind) =>
      capped(
        annotations.filter((annotation) => annotation.kind === kind),
        title,
      ),
    )
    .map(({ kind, title, message }) => `::${kind} title=${escapeProperty(title)}::${escapeData(message)}\n`)
    .join('');
}

function capped(annotations: readonly Annotation[], title: string): readonly Annotation[] {
  const [first] = annotations;
  if (!first || annotations.length <= MOST) return annotations;
  const rest = annotations.length - (MOST - 1);
  const more = { kind: first.kind, title, message: `${rest} more like these: see the report.` };
  return [...annotations.slice(0, MOST - 1), more];
}

function escapeData(text: string): string {
  return shorten(visible(text), MAX_MESSAGE).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(shorten(oneLine(text), MAX_TITLE))
    .replaceAll(':', '%3A')
    .replaceAll(',', '%2C');
}

/** One test of a JUnit file. */
export interface TestCase {
  name: string;
  classname: string;
  /** Undefined for one that passed. */
  outcome: 'failure' | 'error' | 'skipped' | undefined;
  message: string;
  body: string;
  seconds: number;
}

interface Suite {
  name: string;
  startedAt: Date;
  /** All its tests together. */
  seconds: number;
  properties: Readonly<Record<string, string>>;
  cases: readonly TestCase[];
  out: string;
  err: string;
}

const MAX_ATTRIBUTE = 500;

/**
 * JUnit XML of one suite. The structure is what the schemas of Ant's JUnit task (windyroad/JUnit-Schema) and of Jenkins' xUnit plugin
 * (junit-10.xsd) both allow.
 */
export function renderJunitSuite({ name, startedAt, seconds, properties, cases, out, err }: Suite): string {
  const count = (outcome: TestCase['outcome']) => cases.filter((one) => one.outcome === outcome).length;
  const attributes = {
    name,
    package: name,
    id: 0,
    timestamp: startedAt.toISOString().slice(0, 19),
    hostname: 'localhost',
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    time: seconds.toFixed(3),
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `<testsuite${attributesOf(attributes)}>`,
    '<properties>',
    ...Object.entries(properties).map(([property, value]) => `<property${attributesOf({ name: property, value })}/>`),
    '</properties>',
    ...cases.map(renderCase),
    `<system-out>${escapeXml(out)}</system-out>`,
    `<system-err>${escapeXml(err)}</system-err>`,
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function renderCase({ name, classname, outcome, message, body, seconds }: TestCase): string {
  const opening = `<testcase${attributesOf({ name: oneLine(name), classname, time: seconds.toFixed(3) })}`;
  if (!outcome) return `${opening}/>`;
  const attributes = { message: [...oneLine(message)].slice(0, MAX_ATTRIBUTE).join(''), type: outcome };
  // The text of `skipped` is read by nobody, and its type is not in every schema.
  if (outcome === 'skipped') return `${opening}><skipped${attributesOf({ message: attributes.message })}/></testcase>`;
  return `${opening}><${outcome}${attributesOf(attributes)}>${escapeXml(body)}</${outcome}></testcase>`;
}

function attributesOf(attributes: Record<string, string | number>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value)).replaceAll('\n', '&#10;')}"`)
    .join('');
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Also fit for attributes. What XML has no place for is told by its number. */
function escapeXml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/**
 * Writes files into a folder, which is made; whoever opens one finds the old one or the new one, never a part.
 * @returns their paths
 * @throws the error of the file system
 */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): string[] {
  const named = Object.entries(files).map(([name, text]) => ({ path: join(folder, name), text }));
  if (named.length > 0) mkdirSync(folder, { recursive: true });
  for (const { path, text } of named) writeAtomically(path, text);
  return named.map(({ path }) => path);
}

function writeAtomically(path: string, text: string): void {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(draft, text, { flush: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
