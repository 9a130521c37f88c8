import { describe, expect, it } from 'vitest';
import { type Api, MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { startSession } from '../support/session.ts';
import { hintOf } from './hinted.ts';

type Ask = (api: Api) => Promise<{ status: number; headers: Headers }>;

/** What is asked of a control route, and the page that its hint has to name. */
const CONTROL: [string, Ask][] = [
  ['docs/testing.md', (api) => api.post('/_emulator/clock', { advance: 'soon' })],
  ['docs/faults.md', (api) => api.post('/_emulator/faults', { effect: 'teapot' })],
  ['docs/state.md', (api) => api.post('/_emulator/import', { format: 'none' })],
];

describe.each(TRANSPORTS)('what is said of a field, %s', (transport) => {
  it('of a message that stands alone is never that it is missing', async () => {
    const session = await startSession(transport);
    const refused = await session.post('/messages', { role: 'usr', content: 'hi' });
    expect(refused.body).toMatchObject({ error: { param: 'messages[0].role' } });
    expect(hintOf(refused)).toContain('messages[0].role of appendMessages');
  });

  it('of a streamed line is never that it is missing', async () => {
    const session = await startSession(transport);
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const opened = await session.api.open('POST', `${session.path}/messages`, '{"role":"usr","content":"hi"}\n', {
      headers,
    });
    expect(opened.status).toBe(400);
    expect(opened.headers.get('kimi-emulator-hint')).toContain('role of appendMessages');
  });

  it('that is missing is that it is', async () => {
    const session = await startSession(transport);
    expect(hintOf(await session.post('/truncate', {}))).toBe('preserve_len is missing from the body, which is empty');
    expect(hintOf(await session.post('/truncate', { preserve: 5_000 }))).toContain('call it preserve_len');
  });

  it('of an upload is what a form takes, and never what only JSON could lack', async () => {
    const api = await startEmulator(transport);
    const upload = (fields: Record<string, string | Blob>) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      return api.send('POST', '/v1/files', form);
    };
    const picture = new File([Buffer.from('89504e470d0a1a0a', 'hex')], 'a.png', { type: 'image/png' });
    for (const fields of [{ file: picture, purpose: 'file-extract' }, { purpose: 'image' }]) {
      const refused = await upload(fields);
      expect(refused.status).toBe(400);
      expect(hintOf(refused)).toMatch(/^the message says what file of createFile takes/);
    }
    for (const type of ['application/json', 'multipart/form-data', 'multipart/form-data; charset=utf-8']) {
      const refused = await api.send('POST', '/v1/files', '{}', { headers: { 'Content-Type': type } });
      expect(refused.status).toBe(400);
      expect(refused.text).not.toContain('not multipart');
      expect(hintOf(refused)).toMatch(/^send the file as multipart\/form-data .*boundary/);
    }
  });

  it('of the header of a fault is what it takes', async () => {
    const api = await startEmulator(transport);
    const refused = await api.get('/v1/models', { headers: { 'Kimi-Emulator-Fault': 'teapot' } });
    expect(refused.status).toBe(400);
    expect(hintOf(refused)).toMatch(/^the header takes an effect .*docs\/faults\.md/);
  });

  it('of a request that a strict script has no rule for is to look at the script', async () => {
    const api = await startEmulator(transport);
    await api.emulator.script([{ when: { text: 'hello' }, reply: 'hi' }], { strict: true });
    const refused = await api.post('/v1/chat/completions', {
      model: MODEL,
      messages: [{ role: 'user', content: 'bye' }],
    });
    expect(hintOf(refused)).toMatch(/^the request is valid, but the script is strict/);
  });

  it.each(CONTROL)('of a control route is its page, %s', async (page, ask) => {
    const refused = await ask(await startEmulator(transport));
    expect(refused.status).toBe(400);
    expect(refused.headers.get('kimi-emulator-hint')).toContain(page);
  });
});
