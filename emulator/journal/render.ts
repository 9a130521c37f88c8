import type { JournalEntry } from './describe.ts';

/** Characters of a text that are shown; a failing test is read by a person. */
const SHOWN = 400;

/** Entries as text to be read, for a test that has failed. */
export function render(entries: readonly JournalEntry[]): string {
  return entries.map(renderOne).join('\n');
}

function renderOne(entry: JournalEntry): string {
  const { n, at, method, path, operation, status, code, lost, faults, replayed, streamed, hint, request, answer } =
    entry;
  const state = status === 0 ? (lost ? 'dropped before anything was done' : 'not answered yet') : status;
  const flags = [code, replayed && 'replayed', lost && status !== 0 && 'the answer was lost'];
  if (faults) flags.push(`by the fault ${faults.join(', ')}`);
  const outcome = [state, ...flags].filter(Boolean).join(' ');
  const lines = [`#${n}  ${timeOf(at)}  ${method} ${path}  ${operation ?? ''}  ${outcome}`];
  const ended = { whole: 'sent whole', left: 'the reader left', failed: 'failed' };
  if (request !== undefined) lines.push(`    > ${shorten(request)}`);
  if (answer !== undefined) lines.push(`    < ${shorten(answer)}`);
  if (streamed) {
    const end = streamed.ended === undefined ? 'still running' : ended[streamed.ended];
    lines.push(`    < ${streamed.events} events, ${streamed.finish_reason ?? 'no finish reason'}, ${end}`);
  }
  if (hint !== undefined) lines.push(`    hint: ${hint}`);
  return lines.join('\n');
}

function timeOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString().slice(11, 23);
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= SHOWN ? line : `${line.slice(0, SHOWN)} …`;
}
