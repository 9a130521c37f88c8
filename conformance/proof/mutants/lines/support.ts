import type { Mutant } from '../../mutant.ts';
import { type Forward, type Handler, on, type Passing } from '../../proxy.ts';
import { WRITE } from '../../rewrites.ts';

/** A streamed write, line by line. */
export interface Streamed extends Passing {
  id: string;
  lines: string[];
}

export type Line = Record<string, unknown>;

/** Streamed writes only; the rest pass as they are. Whatever else is forwarded to another path is JSON. */
export function streamed(handler: (request: Streamed, forward: Forward) => Promise<Response>): Handler {
  return on('POST', WRITE, async ({ ids: [id = ''], ...request }, forward) => {
    if (!request.headers['content-type']?.includes('ndjson')) return forward();
    const text = request.stream ? await new Response(request.stream).text() : textOf(request.body);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const headers = { ...request.headers, 'content-type': 'application/json' };
    return handler({ ...request, id, lines }, (change = {}) =>
      forward({ body: text, ...(change.path !== undefined && { headers }), ...change }),
    );
  });
}

/** A body of one line is JSON as well. */
function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export function sent(lines: readonly string[]): { body: string } {
  return { body: lines.map((line) => `${line}\n`).join('') };
}

/** What a stream was answered; an ordinary refusal is one line. */
export async function linesOf(response: Response): Promise<Line[]> {
  const text = await response.clone().text();
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Line);
}

export function answered(lines: readonly Line[]): Response {
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  return new Response(body, { status: 200, headers: { 'Content-Type': 'application/x-ndjson' } });
}

/** Changes the lines that a stream is answered with. */
export function answering(edit: (lines: Line[], request: Streamed) => Line[]): Handler {
  return streamed(async (request, forward) => {
    const response = await forward();
    return response.status < 300 ? answered(edit(await linesOf(response), request)) : response;
  });
}

/** Meets a stream that a line has ended: with how many lines were written before it. */
export function ended(
  meet: (
    request: Streamed,
    forward: Forward,
    told: { lines: Line[]; response: Response; written: number },
  ) => Promise<Response>,
): Handler {
  return streamed(async (request, forward) => {
    const response = await forward();
    const lines = await linesOf(response);
    if (!lines.at(-1)?.error) return response;
    return meet(request, forward, { lines, response, written: lines.length - 1 });
  });
}

/** Writes a mutant of streams down. */
export const fault = (name: string, broken: string, kills: [string, ...string[]], handler: () => Handler): Mutant => ({
  id: `lines.${name}`,
  area: 'lines',
  broken,
  killedBy: kills,
  handler,
});
