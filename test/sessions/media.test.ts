import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../contract/errors.ts';
import type { ContentPart } from '../../contract/messages.ts';
import type { Session } from '../../contract/sessions.ts';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { BROKEN_OFF, openJson, outcomeOf, RESET } from '../faults/faulty.ts';
import { asRefusal, lines, read, stream } from '../routes/ndjson.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { picture, png } from '../support/pictures.ts';
import { runs } from '../support/runs.ts';
import { createSession, expectRefusal, MovableClock, O200K, words } from '../support/session.ts';

const MODEL = 'kimi-k3';
const text = (content: string) => ({ type: 'text' as const, text: content });
const user = (...content: unknown[]) => ({ role: 'user' as const, content });
/** Larger than a body may be without its pictures. */
const LARGE = png(64, 64, 200_000);
const limits = { body_bytes: 65_536, min_preserve_tokens: 16, append_tokens: 100_000, sessions: 100_000 };

interface Appended {
  data: { id: string; content: unknown }[];
}

async function contentOf(api: Api, path: string): Promise<unknown[]> {
  const { body } = await api.get<{ data: { content: unknown }[] }>(`${path}/messages`);
  return body.data.map(({ content }) => content);
}

describe.each(TRANSPORTS)('pictures of a session %s', (transport) => {
  const start = (more = {}, options: EmulatorOptions = {}) =>
    startEmulator(transport, { tokenizer: O200K, limits: { ...limits, ...more }, ...options });

  it('may come with its first messages, beyond body_bytes', async () => {
    const api = await start();
    const content = [text('A plan:'), picture(LARGE)];
    const {
      status,
      body,
      text: said,
    } = await api.post<Session>('/v1/sessions', {
      model: MODEL,
      messages: [user(...content)],
    });
    expect(status, said).toBe(201);
    expect(await contentOf(api, `/v1/sessions/${body.id}`)).toEqual([content]);
  });

  it('may come with each line of a streamed append, beyond body_bytes', async () => {
    const api = await start();
    const session = await createSession(api, { model: MODEL });
    const contents = [
      [text('One:'), picture(LARGE)],
      [text('Two:'), picture(png(64, 64, 300_000)), picture(LARGE)],
      'three',
    ];
    const { acknowledged, last } = read(
      await stream(session, lines(...contents.map((content) => ({ role: 'user', content })))),
    );
    expect(acknowledged).toHaveLength(3);
    expect(last).toMatchObject({ done: true, lines: 3 });
    expect(await contentOf(api, session.path)).toEqual(contents);
  });

  it('are answered as they were sent by a write, its replay and a pin', async () => {
    const api = await start();
    const session = await createSession(api, { model: MODEL });
    const content = [text('A plan, not #sha256=:'), picture(LARGE), picture(png(28, 28))];
    const headers = { 'Idempotency-Key': 'once' };
    const append = () => api.post<Appended>(`${session.path}/messages`, user(...content), { headers });
    const [first, again] = [await append(), await append()];
    expect(first.body.data.map((message) => message.content)).toEqual([content]);
    expect(again.body).toEqual(first.body);
    expect([again.headers.get('idempotent-replayed'), again.headers.get('etag')]).toEqual(['true', '"2"']);
    const { body: pinned } = await api.post<{ content: unknown; pinned: boolean }>(
      `${session.path}/messages/${first.body.data[0]?.id}`,
      { pinned: true },
    );
    expect(pinned).toMatchObject({ content, pinned: true });
  });

  it.each([
    { effect: 'cut_stream', after_events: 0 },
    { effect: 'slow_stream', ms: 1_000 },
  ] as const)('are answered whole by a write: $effect waits for a stream', async (fault) => {
    const clock = new MovableClock();
    const api = await start({}, { clock });
    const session = await createSession(api, { model: MODEL });
    const handle = api.emulator.faults.add(fault);
    const content = [picture(LARGE)];
    const { body } = await api.post<Appended>(`${session.path}/messages`, user(...content));
    expect(body.data.map((message) => message.content)).toEqual([content]);
    const pinned = await api.post(`${session.path}/messages/${body.data[0]?.id}`, { pinned: true });
    expect(pinned.body).toMatchObject({ content, pinned: true });
    expect(handle.remaining).toBe(1);
    const chat = { model: MODEL, stream: true, messages: [user(text('hi'))] };
    const streamed = outcomeOf(openJson(api, '/v1/chat/completions', chat));
    await expect.poll(() => handle.remaining).toBe(0);
    api.emulator.faults.clear();
    expect((await streamed).failed).toBe(fault.effect === 'cut_stream' ? BROKEN_OFF : undefined);
  });

  it('are lost with the answer of a write, which its key finds', async () => {
    const api = await start();
    const session = await createSession(api, { model: MODEL });
    const call = { headers: { 'Idempotency-Key': 'once' } };
    const append = () => openJson(api, `${session.path}/messages`, user(picture(LARGE)), call);
    api.emulator.faults.add({ effect: 'lose_answer' });
    expect(await outcomeOf(append())).toMatchObject({ status: undefined, failed: RESET });
    expect(JSON.parse((await outcomeOf(append())).text)).toMatchObject({ data: [user(picture(LARGE))] });
  });

  it('are named by their hash in the journal, with the rest of the answer', async () => {
    const api = await start();
    const session = await createSession(api, { model: MODEL });
    const { body } = await api.post<Appended>(`${session.path}/messages`, user(picture(LARGE), text('This.')));
    await api.post(`${session.path}/messages/${body.data[0]?.id}`, { pinned: true });
    for (const { answer, ...entry } of api.emulator.journal.entries().slice(1)) {
      expect(answer).toMatch(new RegExp(`"id":"${body.data[0]?.id}".*;base64,#sha256=[0-9a-f]{64}"`));
      expect(entry).toMatchObject({ status: 200, ms: expect.any(Number) });
      expect(entry).not.toHaveProperty('streamed');
    }
    expect(api.emulator.journal.entries()).toHaveLength(3);
  });

  it('are named by their hash in a replay once nothing stores them', async () => {
    const api = await start();
    const session = await createSession(api, { model: MODEL });
    const other = await createSession(api, { model: MODEL });
    const shared = picture(png(28, 28));
    await other.append({ role: 'user', content: [shared] });
    const call = { headers: { 'Idempotency-Key': 'once' } };
    const append = () => api.post<Appended>(`${session.path}/messages`, user(picture(LARGE), shared), call);
    const first = await append();
    await api.delete(session.path);
    await expect.poll(async () => (await append()).text.length).toBeLessThan(LARGE.length);
    const url = expect.stringMatching(/^data:image\/png;base64,#sha256=[0-9a-f]{64}$/);
    const [message] = first.body.data;
    const content = [{ type: 'image_url', image_url: { url } }, shared];
    expect((await append()).body).toEqual({ ...first.body, data: [{ ...message, content }] });
  });

  it('in a line are measured without its text, and refused with what is too long', async () => {
    const api = await start();
    const session = await createSession(api, { model: MODEL });
    const line = { role: 'user', content: [picture(LARGE), text('x'.repeat(70_000))] };
    const refusal = expectRefusal(asRefusal(await stream(session, lines(line))), 'body_too_large');
    expect(refusal.message).toMatch(/exceeds limit 65536$/);
    expect(await contentOf(api, session.path)).toEqual([]);
  });

  it('in a line are held to media_body_bytes', async () => {
    const api = await start({ media_body_bytes: 150_000 });
    const session = await createSession(api, { model: MODEL });
    const reply = await stream(session, lines({ role: 'user', content: [picture(LARGE)] }));
    expect(expectRefusal(asRefusal(reply), 'body_too_large').message).toMatch(/exceeds limit 150000$/);
  });

  it('stay whole or go where truncate cuts the newest message', async () => {
    const api = await start();
    const content = [text(words(100)), picture(png(280, 280)), text(`${words(50)} the end`), picture(png(28, 28))];
    const session = await createSession(api, { model: MODEL, messages: [user(...content)] });
    const { body } = await session.truncate(200);
    expect(body.after.total_tokens).toBeLessThanOrEqual(200);
    const [whole] = await contentOf(api, session.path);
    expect(whole).toEqual([text(expect.stringMatching(/^ a/) as unknown as string), ...content.slice(1)]);
    await session.truncate(60);
    const [cut] = await contentOf(api, session.path);
    expect(cut).toEqual([text(expect.stringMatching(/ the end$/) as unknown as string), content[3]]);
    const [message] = await session.messages();
    expect(message).toMatchObject({ truncated: true });
  });

  it('that alone do not fit are named by the least preserve_len that does', async () => {
    const api = await start();
    const session = await createSession(api, {
      model: MODEL,
      messages: [user(text('Look:'), picture(png(1024, 1024)))],
    });
    const { message } = expectRefusal(await session.truncate(100), 'preserve_len_too_small', 'preserve_len');
    const least = Number(/at least (\d+)/.exec(message)?.[1]);
    expect(least).toBeGreaterThan(1369);
    const { status, body } = await session.truncate(least);
    expect(status).toBe(200);
    expect(body.after.total_tokens).toBe(least);
    expect(await contentOf(api, session.path)).toEqual([[picture(png(1024, 1024))]]);
  });
});

const someParts = fc.array(
  fc.oneof(
    fc.lorem({ maxCount: 8 }).map(text),
    fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 })).map(([w, h]) => picture(png(w, h))),
  ),
  { minLength: 1, maxLength: 6 },
);

it('a cut message with pictures is an end of its parts, within what is preserved', async () => {
  const api = await startEmulator('in process', { tokenizer: O200K, limits });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(MODEL, 'kimi-k2.6'),
      someParts,
      fc.integer({ min: 16, max: 400 }),
      async (model, parts, most) => {
        const content = [...parts, picture(png(9, 9))];
        const session = await createSession(api, { model, messages: [user(...content)] });
        const reply = await session.truncate(most);
        if (reply.status !== 200) {
          const { error } = reply.body as unknown as ErrorBody;
          const least = Number(/at least (\d+)/.exec(error.message)?.[1]);
          expect(least).toBeGreaterThan(most);
          expect((await session.truncate(least)).body.after.total_tokens).toBeLessThanOrEqual(least);
          return;
        }
        expect(reply.body.after.total_tokens).toBeLessThanOrEqual(most);
        const [kept] = (await contentOf(api, session.path)) as ContentPart[][];
        const [first, ...rest] = kept ?? [];
        expect(content.slice(content.length - rest.length)).toEqual(rest);
        const before = content[content.length - rest.length - 1];
        if (first?.type !== 'text' || before?.type !== 'text') expect(first).toEqual(before);
        else expect(before.text.endsWith(first.text)).toBe(true);
        const again = await session.truncate(most);
        expect(again.body.removed).toEqual({ messages: 0, tokens: 0 });
      },
    ),
    { numRuns: runs(60) },
  );
});
