import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FileObject } from '../../contract/files.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import { TRANSPORTS, type Transport } from '../support/emulator.ts';
import { dataUrl, mp4, picture, png } from '../support/pictures.ts';
import { createSession, expectInvalid, expectRefusal, O200K } from '../support/session.ts';
import { serve, startGateway, startPair } from './gateway.ts';

const KIMI = 'kimi-k3';
const OTHER = 'qwen9-vl';
const WEB = 'https://pictures.example/a.png?size=2';
const image = (url: string) => ({ type: 'image_url', image_url: { url } });
const user = (...content: object[]) => ({ role: 'user', content });
const text = { type: 'text', text: 'What is this?' };

/** A gateway in front of a server that remembers what it is sent. */
async function start(transport: Transport) {
  const sent: { messages: { content: unknown }[] }[] = [];
  const base = await serve(async (request, response) => {
    sent.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    const choices = [{ index: 0, message: { role: 'assistant', content: 'A cat.' }, finish_reason: 'stop' }];
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ id: 'c', choices }));
  });
  return { api: await startGateway(transport, base), sent };
}

describe.each(TRANSPORTS)('pictures that only the upstream knows, %s', (transport) => {
  it.each([
    ['an uploaded file', KIMI, image('ms://file-1')],
    ['an uploaded file, as a bare URL', KIMI, { type: 'image_url', image_url: 'ms://file-1' }],
    ['an uploaded video', KIMI, { type: 'video_url', video_url: { url: 'ms://file-1' } }],
    ['an uploaded file, on a model that is not Kimi’s', OTHER, image('ms://file-1')],
    ['a picture of the web, on a model that is not Kimi’s', OTHER, image(WEB)],
  ])('are handed on in a turn, and in those behind it: %s', async (_, model, part) => {
    const { api, sent } = await start(transport);
    const session = await createSession(api, { model });
    expect((await session.chat([user(text, part)], { model })).status).toBe(200);
    expect((await session.append(user(part) as never)).status).toBe(200);
    expect((await session.chat([user(text)], { model })).status).toBe(200);
    const windows = sent.map(({ messages }) => messages.map(({ content }) => content));
    expect(windows).toEqual([[[text, part]], [[text, part], 'A cat.', [part], [text]]]);
    const { body } = await api.get<{ data: SessionMessage[] }>(`${session.path}/messages`);
    expect(body.data.map(({ content }) => content).slice(0, 3)).toEqual([[text, part], 'A cat.', [part]]);
  });

  it('count as one of 1,024 × 1,024 pixels, and a video as ten seconds', async () => {
    const { api } = await start(transport);
    const tokens = async (part: object) => {
      const session = await createSession(api, { model: KIMI, messages: [user(part)] });
      return (await session.show()).body.usage.total_tokens;
    };
    expect(await tokens(image('ms://file-1'))).toBe(await tokens(picture(png(1_024, 1_024))));
    expect(await tokens({ type: 'video_url', video_url: 'ms://file-1' })).toBe(
      await tokens({ type: 'video_url', video_url: { url: dataUrl(mp4(640, 360, 10), 'video/mp4') } }),
    );
  });

  it('are read by the upstream that they were uploaded to, which counts them as they are', async () => {
    const { api } = await startPair(transport, { upstream: { stateless: true, tokenizer: O200K } });
    const form = new FormData();
    form.append('purpose', 'image');
    form.append('file', new Blob([new Uint8Array(png(64, 64))]), 'a.png');
    const upload = await api.open('POST', '/v1/files', form);
    const { id } = (await upload.json()) as FileObject;
    const session = await createSession(api, { model: KIMI });
    const turn = await session.chat([user(text, image(`ms://${id}`))], { model: KIMI });
    expect(turn.status, turn.text).toBe(200);
    expect(turn.headers.get('kimi-emulator-token-drift')).toMatch(/^counted=1\d{3}, upstream=\d{2,3}$/);
  });

  it('are refused by the upstream where it has none, and leave the session as it was', async () => {
    const { api } = await startPair(transport, { upstream: { stateless: true } });
    const session = await createSession(api, { model: KIMI });
    const before = await session.state();
    const reply = await session.chat([user(text, image('ms://file-0'))], { model: KIMI });
    expect(expectInvalid(reply)).toContain('there is no file ms://file-0');
    expect(await session.state()).toEqual(before);
  });

  it.each([
    ['of the web, on a model of Kimi’s', KIMI, WEB],
    ['of a kind that nobody takes', OTHER, 'file:///etc/passwd'],
    ['without an id', KIMI, 'ms://'],
    ['with spaces in its id', KIMI, 'ms://a b'],
  ])('are refused here where they are %s', async (_, model, url) => {
    const { api, sent } = await start(transport);
    const session = await createSession(api, { model });
    const reply = await session.chat([user(text, image(url))], { model });
    const { message } = expectRefusal(reply, 'invalid_request', 'messages[0].content[1].image_url');
    expect(message).toContain(`unsupported image url: ${url}`);
    const append = await session.append(user(image(url)) as never);
    expectRefusal(append, 'invalid_request', 'messages[0].content[0].image_url');
    expect(sent).toEqual([]);
  });

  it('never stand for the bytes of another account', async () => {
    const { api, sent } = await start(transport);
    const secret = picture(png(64, 32));
    const owner = await createSession(api, { model: OTHER, messages: [user(secret) as never] }, 'sk-owner');
    await owner.chat([user(text)], { model: OTHER });
    const hash = createHash('sha256').update(png(64, 32)).digest('hex');
    const session = await createSession(api, { model: OTHER }, 'sk-thief');
    for (const head of ['ms://file-1', 'data:image/png;base64,', 'https://pictures.example/']) {
      const reply = await session.chat([user(text, image(`${head}#sha256=${hash}`))], { model: OTHER });
      expect(reply.status, head).toBe(head.startsWith('https') ? 200 : 400);
    }
    const [, ...others] = sent;
    const bytes = secret.image_url.url.split(',')[1] ?? '';
    expect(JSON.stringify(sent[0])).toContain(bytes);
    expect(JSON.stringify(others)).not.toContain(bytes);
  });
});
