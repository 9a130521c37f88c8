import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import { runs } from '../support/runs.ts';
import { called, createSession, O200K, sized, tool } from '../support/session.ts';
import { bodies, expectNoDefect, headers, requests, types } from './anything.ts';

const limits = {
  min_preserve_tokens: 16,
  append_tokens: 200,
  window_tokens: 2_000,
  sessions: 8,
  snapshots: 8,
  body_bytes: 16_384,
  json_depth: 16,
};

/** The versions, sizes and titles of all that there is, and one window whole. */
async function everything(api: Api, session: string): Promise<string> {
  const paths = ['/v1/sessions?limit=100', '/v1/snapshots?limit=100', `/v1/sessions/${session}/messages?limit=100`];
  const replies = paths.flatMap((path) => ['sk-test', 'other'].map((key) => api.get(path, { key })));
  return (await Promise.all(replies)).map(({ text }) => text).join('\n');
}

describe.each(TRANSPORTS)('whatever is sent %s', (transport) => {
  it('is answered, never with a defect, and a refusal changes nothing', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const api = await startEmulator(transport, { tokenizer: O200K, limits, model: saying('OK') });
    const first = await createSession(api, { messages: [sized(40), sized(20), called('call')], tools: [tool('look')] });
    const snapshot = (await first.snapshot()).body.id;
    const ids = { session: first.id, snapshot, message: (await first.messages())[0]?.id ?? '' };
    let before = await everything(api, first.id);
    const property = fc.asyncProperty(
      requests(ids),
      bodies(ids),
      types,
      headers,
      async ([method, path], body, type, more) => {
        const reply = await api.send<{ error?: unknown }>(method, path, body, {
          headers: { 'Content-Type': type, ...more },
        });
        expectNoDefect(reply);
        const after = await everything(api, first.id);
        if (reply.status >= 400) {
          expect(after).toBe(before);
          if (reply.body.error !== 'url.not_found') {
            expect(reply.body).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } });
          }
        }
        before = after;
      },
    );
    await fc.assert(property, { numRuns: runs(transport === 'in process' ? 100 : 40) });
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });
});
