import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { serve, startGateway } from '../gateway/gateway.ts';
import { readEvents, TRANSPORTS } from '../support/emulator.ts';
import { createSession } from '../support/session.ts';
import { exchangesOf, newTape, startReplay } from './taped.ts';

const KEY = 'sk-SECRET-abc123def456';
const OWN = 'sk-OWNER-zyx987wvu654';
const OTHER = 'correct-horse-battery';

/** Says in every way there is what it was sent. */
async function tellTale(): Promise<string> {
  return serve((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const { stream = false, form = '' } = body.startsWith('{') ? JSON.parse(body) : {};
      const key = String(request.headers.authorization ?? '').replace('Bearer ', '');
      const said = `${key} and ${OTHER} and berth-1234`;
      response.setHeader('Set-Cookie', `session=${OTHER}; Path=/`);
      response.setHeader('X-Request-Id', `of ${key}`);
      response.setHeader('X-Debug', said);
      response.statusMessage = `Hello ${key}`;
      if (form === 'error') response.statusCode = 401;
      if (form === 'redirect' && !request.url?.includes('else'))
        response.writeHead(307, { Location: `/v1/else?token=${OTHER}&who=${key}` }).end();
      else if (stream) {
        response.setHeader('Content-Type', 'text/event-stream');
        const chunk = (delta: object, finish_reason: string | null = null) =>
          response.write(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
        for (const piece of said.match(/.{1,5}/g) ?? []) chunk({ content: piece });
        for (const piece of said.match(/.{1,5}/g) ?? []) {
          chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: piece } }] });
        }
        chunk({}, 'stop');
        response.end('data: [DONE]\n\n');
      } else {
        response.setHeader('Content-Type', 'application/json');
        const escaped = [...said].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
        const message = { role: 'assistant', content: said };
        const answer = { [said]: said, choices: [{ index: 0, message, finish_reason: 'stop' }] };
        const text = `${JSON.stringify(answer).slice(0, -1)},"escaped":"${escaped}"}`;
        if (form === 'gzip') response.setHeader('Content-Encoding', 'gzip').end(gzipSync(text));
        else if (form === 'odd stream') {
          response.setHeader('Content-Type', 'text/event-stream');
          response.end(Buffer.concat([Buffer.from([0xff]), Buffer.from(`data: ${said}\n\n`)]));
        } else if (form === 'binary')
          response
            .setHeader('Content-Type', 'application/octet-stream')
            .end(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(said)]));
        else response.end(text);
      }
    });
  });
}

/** Every way in which a text may have been written. */
function writings(text: string): string[] {
  const percent = [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
  const escaped = [...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  return [text, percent, percent.toUpperCase(), escaped];
}

/** What the pieces of a stream tell together: its content, then the arguments of its calls. */
function deltasOf(parts: readonly [number, unknown][]): string {
  const text = parts.map(([, part]) => (typeof part === 'string' ? part : '')).join('');
  if (!text.startsWith('data: ')) return '';
  const deltas = readEvents(text).chunks.flatMap(({ choices }) => choices as { delta: Delta }[]);
  const calls = deltas.flatMap(({ delta }) => delta.tool_calls ?? []);
  const told = [...deltas.map(({ delta }) => delta.content ?? ''), ...calls.map((call) => call.function.arguments)];
  return told.join('');
}

interface Delta {
  content?: string;
  tool_calls?: { function: { arguments: string } }[];
}

describe.each(TRANSPORTS)('what a tape must not hold, %s', (transport) => {
  it.each(['client', 'gateway'] as const)('is in none of its lines, the key of the %s', async (whose) => {
    const tape = newTape();
    const record = { record: tape, redact: ['berth-\\d+'], ...(whose === 'gateway' && { upstreamKey: OWN }) };
    const api = await startGateway(transport, await tellTale(), record);
    const call = { key: KEY, headers: { 'X-Api-Token': OTHER, Cookie: `a=${OTHER}` } };
    const messages = [{ role: 'user', content: `I am ${KEY}, ${OTHER} at berth-1234` }];
    const key = whose === 'gateway' ? OWN : KEY;
    for (const form of ['', 'error', 'gzip', 'binary', 'odd stream', 'redirect']) {
      for (const stream of [false, true]) {
        const body = JSON.stringify({ model: 'm', messages, stream, form });
        const response = await api.open('POST', '/v1/chat/completions', body, call);
        const text = await response.text();
        if (form === '' && !stream) expect(text).toContain(key);
      }
    }
    const session = await createSession(api, { model: 'm', messages }, KEY);
    for (const stream of [false, true]) {
      expect((await session.chat([{ role: 'user', content: KEY }], { model: 'm', stream }, call)).status).toBe(200);
    }
    const percent = [...KEY].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
    for (const query of [
      `?key=${OTHER}`,
      `?api_key=plain123&x=${KEY}`,
      `?q=${percent}`,
      `/${percent}?berth%2D12=berth%2D12`,
    ]) {
      await api.get(`/v1/files${query}`, call);
    }
    const text = readFileSync(tape, 'utf8').replaceAll(/"base64":"([^"]*)"/g, (whole, bytes) => {
      return whole + Buffer.from(bytes, 'base64').toString('latin1');
    });
    expect(exchangesOf(tape).length).toBeGreaterThanOrEqual(16);
    for (const secret of [KEY, OWN, OTHER, 'plain123', 'berth-1234', 'berth-12', 'berth%2D12']) {
      for (const written of writings(secret)) expect(text, `${secret} as ${written}`).not.toContain(written);
    }
    for (const { answer } of exchangesOf(tape)) {
      const told = deltasOf(answer.parts);
      for (const secret of [KEY, OWN, OTHER, 'berth-1234']) expect(told).not.toContain(secret);
    }
    expect(text).toContain('[redacted]');
  });
});

it('a request that holds a key is found again under another key', async () => {
  const tape = newTape();
  const recorded = await startGateway('in process', await tellTale(), { record: tape, redact: ['berth-\\d+'] });
  const ask = (who: string, berth: string) => [{ role: 'user', content: `I am ${who} at ${berth}` }];
  await recorded.post('/v1/chat/completions', { model: 'm', messages: ask(KEY, 'berth-1') }, { key: KEY });
  const replay = await startReplay('in process', tape, { redact: ['berth-\\d+'] });
  const again = await replay.post('/v1/chat/completions', { model: 'm', messages: ask(OWN, 'berth-2') }, { key: OWN });
  expect([again.status, again.text]).toEqual([200, expect.stringContaining('[redacted] and')]);
});
