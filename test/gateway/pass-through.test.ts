import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents } from '../support/emulator.ts';
import { serve, serveRaw, startGateway, startPair } from './gateway.ts';

interface Asked {
  method: string;
  path: string;
  headers: readonly string[];
  body: Uint8Array;
}

interface Answered {
  status: number | undefined;
  message: string | undefined;
  headers: string[];
  body: string;
}

const FOR_ONE_CONNECTION = /^(?:connection|keep-alive|transfer-encoding|date)$/i;

/** Asks with exactly these bytes, and gives back what came over the wire. */
function exchange(base: string, { method, path, headers, body }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(`${base}${path}`, { method, agent: false });
    for (let at = 0; at < headers.length; at += 2) asked.appendHeader(headers[at] ?? '', headers[at + 1] ?? '');
    if (body.length > 0) asked.setHeader('Content-Length', body.length);
    asked.once('error', reject);
    asked.once('response', (answer: IncomingMessage) => {
      const parts: Buffer[] = [];
      answer.on('data', (part) => parts.push(part));
      answer.once('error', reject);
      answer.once('end', () => {
        const pairs = answer.rawHeaders.flatMap((name, at) =>
          at % 2 === 0 ? [`${name}: ${answer.rawHeaders[at + 1]}`] : [],
        );
        resolve({
          status: answer.statusCode,
          message: answer.statusMessage,
          headers: pairs.filter((pair) => !FOR_ONE_CONNECTION.test(pair.split(':')[0] ?? '')),
          body: Buffer.concat(parts).toString('latin1'),
        });
      });
    });
    asked.end(body);
  });
}

/** Says what it was asked, in an answer whose form follows from the request: whole, in parts, compressed, empty, odd. */
async function mirror(): Promise<string> {
  return serve((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const names = request.rawHeaders.filter((name, at) => at % 2 === 0 && !FOR_ONE_CONNECTION.test(name));
      const seen = JSON.stringify({
        method: request.method,
        url: request.url,
        sent: names.filter((name) => name !== 'Host').map((name) => [name, request.headers[name.toLowerCase()]]),
        body: body.toString('latin1'),
      });
      const form = createHash('sha256').update(seen).digest()[0] ?? 0;
      response.statusCode = [200, 200, 201, 400, 404, 409, 429, 500, 503][form % 9] ?? 200;
      response.statusMessage = `Form ${form}`;
      response.appendHeader('X-Odd', 'one');
      response.appendHeader('x-odd', 'two');
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      if (form % 5 === 0) {
        response.setHeader('Content-Type', 'application/json').setHeader('Content-Encoding', 'gzip');
        response.end(gzipSync(seen));
      } else if (form % 5 === 1) {
        response.setHeader('Content-Type', 'text/event-stream');
        for (const piece of seen.match(/.{1,40}/gs) ?? []) response.write(`data: ${JSON.stringify(piece)}\r\n\r\n`);
        response.end('data: [DONE]\n\n');
      } else if (form % 5 === 2) {
        response.setHeader('Content-Type', 'application/octet-stream');
        response.end(Buffer.concat([Buffer.from([0, 255, 254, 13, 10]), Buffer.from(seen)]));
      } else if (form % 5 === 3 && request.method !== 'HEAD') {
        response.statusCode = 204;
        response.end();
      } else response.setHeader('Content-Length', Buffer.byteLength(seen)).end(seen);
    });
  });
}

const MULTIPART = [
  '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfile-extract\r\n',
  '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nfirst\r\nsecond\r\n--b--\r\n',
].join('');

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/);
const header = fc.tuple(
  token.map((name) => `X-${name}`),
  fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/),
);
const chat = fc.record(
  {
    model: fc.constantFrom('kimi-k3', 'other'),
    messages: fc.array(fc.record({ role: fc.constant('user'), content: fc.string({ unit: 'binary' }) }), {
      maxLength: 3,
    }),
    stream: fc.boolean(),
    temperature: fc.double(),
    session_id: fc.constant(null),
  },
  { requiredKeys: ['model'] },
);
const call = fc.oneof(
  chat.map((body) => ({
    method: 'POST',
    path: '/chat/completions',
    body: JSON.stringify(body),
    type: 'application/json',
  })),
  fc.record({
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD'),
    path: fc.constantFrom(
      '/models',
      '/files',
      '/files/f%2F1?x=1&y=%20',
      '/models/a%20b',
      '/models/%E2%82%AC%c3%a9',
      '/ech%6f/100%25',
      '/batches?limit=3',
      '/odd//path/',
      '/users/me/balance',
    ),
    body: fc.oneof(fc.constant(''), fc.string({ unit: 'binary' }), fc.constant('{"a":')),
    type: fc.constantFrom('application/json', 'text/plain; charset=utf-16'),
  }),
  fc.constant({ method: 'POST', path: '/files', body: MULTIPART, type: 'multipart/form-data; boundary=b' }),
);
const asked = fc.record({
  call,
  headers: fc.uniqueArray(header, { maxLength: 4, selector: ([name]) => name.toLowerCase() }),
});

it('requests without a session are answered byte for byte as the upstream answers them', async () => {
  const upstream = await mirror();
  const { emulator } = await startGateway('over HTTP', upstream);
  await fc.assert(
    fc.asyncProperty(asked, async ({ call: { method, path, body, type }, headers }) => {
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const sent = { method, path, body: Buffer.from(hasBody ? body : '') };
      const own = ['Authorization', 'Bearer sk-mirrored-key', 'Content-Type', type];
      const request = { ...sent, headers: [...own, ...headers.flat()] };
      expect(await exchange(emulator.baseURL, request)).toEqual(await exchange(upstream, request));
    }),
    { numRuns: 300 },
  );
});

describe.each(['in process', 'over HTTP'] as const)('a request without a session, %s', (transport) => {
  it('is journalled and billed by the usage of its answer, streamed, compressed and not', async () => {
    const { api } = await startPair(transport);
    const messages = [{ role: 'user', content: 'Say "yes".' }];
    const seen: number[] = [];
    for (const stream of [false, true]) {
      const { text } = await api.post('/v1/chat/completions', { model: 'kimi-k3', messages, stream });
      const usage = stream ? readEvents(text).chunks.at(-1) : JSON.parse(text);
      seen.push(usage.usage?.prompt_tokens ?? usage.choices[0].usage.prompt_tokens);
    }
    const { total } = await api.emulator.spend('sk-test');
    expect(total).toMatchObject({ turns: 2, input_tokens: seen[0] as number });
    expect(total.input_tokens + total.cached_tokens).toBe((seen[0] ?? 0) + (seen[1] ?? 0));
    const entries = api.emulator.journal.entries({ operation: 'createChatCompletion' });
    expect(entries.map(({ status, model, request }) => [status, model, JSON.parse(request ?? '').model])).toEqual([
      [200, 'kimi-k3', 'kimi-k3'],
      [200, 'kimi-k3', 'kimi-k3'],
    ]);
  });

  it('breaks off where the upstream breaks off', async () => {
    const upstream = await serve((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: {"choices":[]}\n\n', () => response.destroy());
    });
    const api = await startGateway(transport, upstream);
    const response = await api.open('POST', '/v1/chat/completions', '{"model":"m"}');
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  it('is journalled with its model where the upstream breaks before its answer, or has yet to answer', async () => {
    let calls = 0;
    const upstream = await serve((request) => {
      calls += 1;
      if (calls === 1) request.socket.destroy();
    });
    const api = await startGateway(transport, upstream);
    const models = () => api.emulator.journal.entries().map(({ status, model }) => [status, model]);
    expect((await api.post('/v1/chat/completions', { model: 'first' })).status).toBe(502);
    const leaving = new AbortController();
    const waiting = api.send('POST', '/v1/chat/completions', '{"model":"second"}', { signal: leaving.signal });
    await expect.poll(() => models().map(([, model]) => model)).toContain('second');
    expect(models()).toContainEqual([502, 'first']);
    leaving.abort();
    await expect(waiting).rejects.toThrow();
  });

  it('is judged by the upstream where it brings no key, while a session needs one', async () => {
    const upstream = await serve((request, response) => {
      response.writeHead(418).end(String(request.headers.authorization));
    });
    const api = await startGateway(transport, upstream);
    const nobody = { headers: { Authorization: '' } };
    expect((await api.send('GET', '/v1/models', undefined, nobody)).text).toBe('');
    expect((await api.post('/v1/sessions', {}, nobody)).status).toBe(401);
    expect((await api.post('/v1/chat/completions', { session_id: 's' }, nobody)).status).toBe(401);
  });
});

it("the gateway's own key goes to the upstream in place of the client's, which must be one of its own", async () => {
  const upstream = await serve((request, response) => {
    response.end(String(request.headers.authorization));
  });
  const options = { upstreamKey: 'sk-upstream-secret', apiKeys: ['sk-client-1'] };
  const api = await startGateway('over HTTP', upstream, options);
  expect((await api.get('/v1/models', { key: 'sk-client-1' })).text).toBe('Bearer sk-upstream-secret');
  expect((await api.get('/v1/models', { key: 'sk-client-2' })).status).toBe(401);
  expect(JSON.stringify(api.emulator.journal.entries())).not.toContain('secret');
});

it('a redirect is handed on and never followed', async () => {
  const upstream = await serve((_, response) => {
    response.writeHead(307, { Location: 'http://127.0.0.1:9/elsewhere' }).end();
  });
  const api = await startGateway('over HTTP', upstream);
  const answer = await exchange(api.emulator.baseURL, {
    method: 'GET',
    path: '/models',
    headers: [],
    body: Buffer.alloc(0),
  });
  expect([answer.status, answer.headers.find((pair) => pair.startsWith('Location'))]).toEqual([
    307,
    'Location: http://127.0.0.1:9/elsewhere',
  ]);
});

describe.each(['in process', 'over HTTP'] as const)('a compressed chat, %s', (transport) => {
  const CODINGS = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync, 'x-gzip': gzipSync };
  const start = async (options: Parameters<typeof startGateway>[2] = {}) => {
    const bodies: Buffer[] = [];
    const base = await serve(async (request, response) => {
      bodies.push(Buffer.concat(await request.toArray()));
      const usage = { prompt_tokens: 1_000, completion_tokens: 100 };
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ usage }));
    });
    const api = await startGateway(transport, base, options);
    const ask = async (coding: string, body: Uint8Array) => {
      const headers = { 'Content-Type': 'application/json', 'Content-Encoding': coding };
      const answer = await api.open('POST', '/v1/chat/completions', new Blob([new Uint8Array(body)]).stream(), {
        headers,
      });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    return { api, bodies, ask };
  };

  it.each(Object.entries(CODINGS))('by %s is handed on as it came, and billed', async (coding, compress) => {
    const { api, bodies, ask } = await start();
    const body = compress('{"model":"kimi-k3","messages":[{"role":"user","content":"hi"}]}');
    expect((await ask(coding, body)).status).toBe(200);
    expect(bodies).toEqual([body]);
    expect((await api.emulator.spend()).total).toMatchObject({ turns: 1, output_tokens: 100 });
  });

  it.each(Object.entries(CODINGS))(
    'by %s that names a session is refused, not answered without it',
    async (coding, compress) => {
      const { bodies, ask } = await start();
      const { status, text } = await ask(coding, compress('{"model":"kimi-k3","session_id":"sess_1","messages":[]}'));
      expect([status, text]).toEqual([400, expect.stringContaining('Content-Encoding')]);
      expect(bodies).toEqual([]);
    },
  );

  it('is the upstream’s to judge where it cannot be read, and beyond a cap where nothing can be known of it', async () => {
    const odd = [
      ['gzip', Buffer.from('{"model":"kimi-k3"}')],
      ['zork', Buffer.from('{"session_id":1}')],
    ] as const;
    const { bodies, ask } = await start();
    for (const [coding, body] of odd) expect((await ask(coding, body)).status).toBe(200);
    expect(bodies).toEqual(odd.map(([, body]) => body));
    const capped = await start({ maxSpend: '1USD' });
    for (const [coding, body] of odd) expect((await capped.ask(coding, body)).status).toBe(402);
    const plain = gzipSync('{"model":"kimi-k3","max_completion_tokens":10,"messages":[]}');
    expect((await capped.ask('gzip', plain)).status).toBe(200);
    expect(capped.bodies).toEqual([plain]);
  });

  it('that unfolds beyond what a body may have is refused', async () => {
    const { bodies, ask } = await start({ limits: { body_bytes: 10_000, media_body_bytes: 20_000 } });
    const { status, text } = await ask('gzip', gzipSync(' '.repeat(1_000_000)));
    expect([status, text]).toEqual([400, expect.stringContaining('20000')]);
    expect(bodies).toEqual([]);
  });
});

const deep = '['.repeat(150_000) + ']'.repeat(150_000);
it('an upstream that refuses a body and closes is heard, also while the body is on its way', async () => {
  const answer = 'HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large';
  const base = await serveRaw((socket) => {
    let size = 0;
    socket.on('data', (part) => {
      size += part.length;
      if (size < 100_000) return;
      socket.removeAllListeners('data').pause();
      // With bytes unread: the connection is reset behind the answer.
      socket.write(answer, () => socket.destroy());
    });
  });
  const { emulator } = await startGateway('over HTTP', base);
  for (const path of ['/files', '/chat/completions']) {
    const headers = ['Authorization', 'Bearer k', 'Content-Type', 'application/json'];
    const body = Buffer.alloc(8_000_000, ' ');
    const heard = await exchange(emulator.baseURL, { method: 'POST', path, headers, body });
    expect([path, heard.status, heard.body]).toEqual([path, 413, 'too large']);
  }
});

describe('a body names a session', () => {
  it.each([
    ['plainly', '{"model":"kimi-k3","session_id":"sess_1"}'],
    ['behind a mark of its byte order', '\ufeff{"model":"kimi-k3","session_id":"sess_1"}'],
    ['in escapes', '{"\\u0073ession_\\u0069\\u0064":"sess_1"}'],
    ['with odd spaces', '{ "session_id"\n\t: "sess_1"}'],
    ['twice, as a parser reads it', '{"session_id":null,"session_id":"sess_1"}'],
    ['behind braces in a text', '{"user":"}{\\"","session_id":"sess_1"}'],
  ])('%s: it is not handed on', async (_, body) => {
    let asked = 0;
    const api = await startGateway('over HTTP', await serve((_request, response) => response.end(String(++asked))));
    expect((await api.send('POST', '/v1/chat/completions', body)).status).toBeGreaterThanOrEqual(400);
    expect(asked).toBe(0);
  });

  it.each([
    ['is null', '{"session_id":null}'],
    ['is null the last time', '{"session_id":"sess_1","session_id":null}'],
    ['stands in a message', '{"messages":[{"session_id":"sess_1"}]}'],
    ['is said', '{"user":"session_id","metadata":"\\"session_id\\":1"}'],
    ['stands in lists in each other', `{"a":${deep},"b":{"session_id":1}}`],
    ['stands in tools nested too deep to be journalled', `{"tools":[${deep}],"b":{"session_id":1}}`],
    ['begins where the body ends', '{"session_id'],
  ])('not where it %s: its bytes are handed on', async (_, body) => {
    const bodies: string[] = [];
    const base = await serve(async (request, response) => {
      bodies.push(Buffer.concat(await request.toArray()).toString());
      response.end('{}');
    });
    const api = await startGateway('over HTTP', base);
    expect((await api.send('POST', '/v1/chat/completions', body)).status).toBe(200);
    expect(bodies).toEqual([body]);
  });
});

it('each part of a stream is handed on before the next is there', async () => {
  let next: (() => void) | undefined;
  const base = await serve((_, response) => {
    let part = 0;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    next = () => (part < 5 ? response.write(`data: ${part++}\n\n`) : response.end());
    next();
  });
  const api = await startGateway('over HTTP', base);
  const response = await api.open('POST', '/v1/chat/completions', '{"model":"m","stream":true}');
  const heard: string[] = [];
  for await (const part of response.body ?? []) {
    heard.push(Buffer.from(part).toString());
    next?.();
  }
  expect(heard).toEqual([0, 1, 2, 3, 4].map((part) => `data: ${part}\n\n`));
});

const CUT = { 'Content-Type': 'application/json', 'Kimi-Emulator-Fault': 'cut_stream; after_events=2' };
const STREAMED = JSON.stringify({ model: 'kimi-k3', stream: true, messages: [{ role: 'user', content: 'Hello' }] });

it('a stream that a fault cuts after its upstream has sent all of it does not end the gateway', async () => {
  const { api } = await startPair('over HTTP', { upstream: { stateless: true } });
  const cut = () => api.open('POST', '/v1/chat/completions', STREAMED, { headers: CUT });
  for (let times = 0; times < 12; times += 1) {
    await expect(cut().then((answer) => answer.text())).rejects.toThrow();
  }
  expect((await api.get('/v1/models')).status).toBe(200);
});

it('an upstream that breaks off its stream breaks off the answer, also where a fault delays it', async () => {
  const upstream = await serve((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: {"choices":[]}\n\n', () => response.destroy());
    });
  });
  const api = await startGateway('over HTTP', upstream);
  const headers = { 'Content-Type': 'application/json', 'Kimi-Emulator-Fault': 'delay; ms=1' };
  const answer = await api.open('POST', '/v1/chat/completions', STREAMED, { headers });
  await expect(answer.text()).rejects.toThrow();
});
