import OpenAI from 'openai';
import { describe, expect, it, vi } from 'vitest';
import type { ErrorBody } from '../../contract/errors.ts';
import { createEmulator, createGateway } from '../../emulator/index.ts';
import { run, ServerProcess } from '../cli/server-process.ts';
import { MODEL, openApi, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession } from '../support/session.ts';
import { hintOf } from './hinted.ts';

const TOO_SMALL = 'Invalid request: preserve_len must be at least 4096 (min_preserve_tokens), not 1';

async function messageOf(options: Parameters<typeof createEmulator>[0]): Promise<string> {
  const session = await createSession(await startEmulator('in process', options));
  const { body } = await session.post<ErrorBody>('/truncate', { preserve_len: 1 });
  return body.error.message;
}

describe.each(TRANSPORTS)('hints in the body, %s', (transport) => {
  it('stand behind the message, as the header has them, and change nothing else', async () => {
    const session = await createSession(await startEmulator(transport, { hints: 'body' }));
    const reply = await session.post<ErrorBody>('/truncate', { preserve_len: 1 });
    const { message, ...others } = reply.body.error;
    expect(message).toBe(`${TOO_SMALL}\nHint: ${hintOf(reply)}`);
    expect(others).toEqual({ type: 'invalid_request_error', code: 'preserve_len_too_small', param: 'preserve_len' });
  });

  it('reach whoever prints an error of the official SDK, for a wrong base URL too', async () => {
    const api = await startEmulator(transport, { hints: 'body' });
    const ask = (baseURL: string) =>
      new OpenAI({ baseURL, apiKey: 'sk-test', fetch: api.fetch, maxRetries: 0 }).chat.completions.create({
        model: MODEL,
        messages: [],
      });
    await expect(ask(api.emulator.baseURL)).rejects.toThrow(
      /^400 .*messages must not be empty\nHint: send at least one message;/s,
    );
    const root = api.emulator.baseURL.replace('/v1', '');
    await expect(ask(root)).rejects.toThrow(/^404 "url\.not_found; hint: did you mean \/v1\/chat\/completions\?/);
  });

  it('stand behind the refusals of a gateway', async () => {
    const gateway = createGateway({ upstream: 'http://upstream.invalid', hints: 'body' });
    const session = await createSession(await openApi(gateway, transport));
    expect((await session.truncate(1)).text).toContain('\\nHint: ask for preserve_len 4,096 or more');
  });
});

describe('where hints stand', () => {
  it('is the body in tests, unless an option or the environment says otherwise', async () => {
    vi.stubEnv('KIMI_EMULATOR_HINTS', '');
    expect(await messageOf({})).toContain('\nHint: ');
    expect(await messageOf({ hints: 'header' })).toBe(TOO_SMALL);
    vi.stubEnv('KIMI_EMULATOR_HINTS', 'header');
    expect(await messageOf({})).toBe(TOO_SMALL);
    expect(await messageOf({ hints: 'body' })).toContain('\nHint: ');
    vi.stubEnv('KIMI_EMULATOR_HINTS', '');
    vi.stubEnv('NODE_ENV', 'production');
    expect(await messageOf({})).toBe(TOO_SMALL);
  });

  it('is refused by its name where there is no such place', () => {
    expect(() => createEmulator({ hints: 'footer' as 'body' })).toThrow('option hints must be header or body');
    vi.stubEnv('KIMI_EMULATOR_HINTS', 'footer');
    expect(() => createEmulator()).toThrow('KIMI_EMULATOR_HINTS must be header or body, not footer');
  });

  it('is the header on the command line, whatever NODE_ENV says, and the body with --hints body', async () => {
    const env = { NODE_ENV: 'test', KIMI_EMULATOR_HINTS: '' };
    for (const [flags, says] of [
      [[], TOO_SMALL],
      [['--hints', 'body'], `${TOO_SMALL}\nHint: `],
    ] as const) {
      const { server, ready } = await ServerProcess.listening(['--memory', ...flags], { env });
      const headers = { Authorization: 'Bearer sk-test', 'Content-Type': 'application/json' };
      const post = (path: string, body: object) =>
        fetch(ready.base_url + path, { method: 'POST', headers, body: JSON.stringify(body) }).then((answer) =>
          answer.json(),
        );
      const { id } = (await post('/sessions', {})) as { id: string };
      const { error } = (await post(`/sessions/${id}/truncate`, { preserve_len: 1 })) as ErrorBody;
      expect(flags.length === 0 ? error.message : error.message.slice(0, says.length)).toBe(says);
      await server.signal('SIGTERM');
    }
    const refused = await run(['--hints', 'footer']);
    expect(refused).toMatchObject({
      code: 2,
      stderr: 'kimi-emulator: --hints takes header or body, not footer (see --help)\n',
    });
  });
});
