import { ERRORS, type ErrorCode } from '../../../contract/errors.ts';
import { AppendAcknowledgement, AppendEnd } from '../../../contract/sessions.ts';
import { holds, refused, shaped, show, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import type { Message } from '../../wire/dialect.ts';
import { Reply } from '../../wire/reply.ts';

/** A line as text stands for itself, well-formed or not. */
export type Line = Message | string;

export const NDJSON = { 'Content-Type': 'application/x-ndjson' };

export function toLines(lines: readonly Line[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
}

/** One streamed write. */
export function stream(
  api: Api,
  id: string,
  lines: readonly Line[] | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const raw = lines instanceof ReadableStream ? lines : toLines(lines);
  return api.post(`/sessions/${id}/messages`, undefined, { raw, headers: { ...NDJSON, ...headers } });
}

/** The acknowledgements of a stream that came to its end. @throws Mismatch, Fault */
export function written(reply: Reply): { acknowledged: AppendAcknowledgement[]; end: AppendEnd } {
  const lines = succeeded(reply).lines;
  const end = shaped(AppendEnd, lines.at(-1), `${reply.what}: the last line`);
  return { acknowledged: acknowledgements(reply, lines.slice(0, -1)), end };
}

/** The acknowledgements of a stream that a line ended, which was refused with `code`. @throws Mismatch, Fault */
export function broken(reply: Reply, code: ErrorCode): AppendAcknowledgement[] {
  const lines = succeeded(reply).lines;
  const last = lines.at(-1);
  holds(typeof last === 'object' && last !== null, `${reply.what}: the last line tells the error, got ${show(last)}`);
  const { headers } = reply;
  const what = `${reply.what}: the last line`;
  refused(new Reply(what, { status: ERRORS[code].status, headers, text: JSON.stringify(last) }), code);
  return acknowledgements(reply, lines.slice(0, -1));
}

function acknowledgements(reply: Reply, lines: readonly unknown[]): AppendAcknowledgement[] {
  return lines.map((line, index) => shaped(AppendAcknowledgement, line, `${reply.what}: line ${index}`));
}
