import { expect } from 'vitest';
import type { AppendAcknowledgement, AppendEnd } from '../../contract/sessions.ts';
import type { Reply } from '../support/emulator.ts';
import type { SessionUnderTest } from '../support/session.ts';

export const NDJSON = { 'Content-Type': 'application/x-ndjson' };

export function lines(...values: (object | string)[]): string {
  return values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('');
}

export async function stream(session: SessionUnderTest, body: string | ReadableStream<Uint8Array>, headers = {}) {
  const call = { key: session.key, headers: { ...NDJSON, ...headers } };
  return session.api.send('POST', `${session.path}/messages`, body, call);
}

export function read({ status, text, headers }: Reply<unknown>) {
  expect(status, text).toBe(200);
  expect(headers.get('content-type')).toContain('application/x-ndjson');
  expect(text.endsWith('\n')).toBe(true);
  const values = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return {
    acknowledged: values.slice(0, -1) as AppendAcknowledgement[],
    last: values.at(-1) as AppendEnd & { error?: object },
  };
}

/** A refusal is JSON whatever was sent. */
export function asRefusal(reply: Reply<unknown>): Reply<unknown> {
  expect(reply.headers.get('content-type')).toContain('application/json');
  return reply;
}
