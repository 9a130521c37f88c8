import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import type { FileObject, FileText } from '../../contract/files.ts';
import type { List } from '../../contract/lists.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { gif, mp4, picture, png } from '../support/pictures.ts';
import { createSession, expectInvalid, expectRefusal, O200K } from '../support/session.ts';

const MODEL = 'kimi-k3';
const AS_TEXT = { purpose: 'file-extract', filename: 'notes.txt' };

const image = (id: string) => ({ type: 'image_url' as const, image_url: { url: `ms://${id}` } });
const user = (...content: unknown[]) => ({ role: 'user', content });

function chat(api: Api, content: unknown[], key = 'sk-test') {
  return api.post<ChatCompletion>('/v1/chat/completions', { model: MODEL, messages: [user(...content)] }, { key });
}

function listed(api: Api, key = 'sk-test') {
  return api.get<List<FileObject>>('/v1/files', { key });
}

async function bytesOf(api: Api, id: string): Promise<Buffer> {
  const response = await api.open('GET', `/v1/files/${id}/content`);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

describe.each(TRANSPORTS)('files %s', (transport) => {
  const start = (options = {}) => startEmulator(transport, { tokenizer: O200K, ...options });

  it.each(['file-extract', 'image', 'video', 'batch'])(
    'of the purpose %s are uploaded, listed and shown',
    async (purpose) => {
      const api = await start();
      const first = await api.upload('one', { purpose, filename: 'one.txt' });
      expect(first.status, first.text).toBe(200);
      expect(first.body).toEqual({
        id: expect.stringMatching(/^file-[0-9a-f]{24}$/),
        object: 'file',
        bytes: 3,
        created_at: expect.any(Number),
        filename: 'one.txt',
        purpose,
        status: 'ready',
        status_details: '',
      });
      const second = await api.upload('two', { purpose, filename: '第二.txt' });
      expect(second.body.filename).toBe('第二.txt');
      expect((await listed(api)).body).toEqual({ object: 'list', data: [second.body, first.body], has_more: false });
      expect((await api.get(`/v1/files/${first.body.id}`)).body).toEqual(first.body);
    },
  );

  it('of the purpose file-extract say their text as JSON, whatever parts it is stored in', async () => {
    const api = await start();
    const text = `"quoted"\n${'登机口 B7 · 🛫\\'.repeat(120_000)}`;
    const { body } = await api.upload(text, AS_TEXT);
    const { body: content } = await api.get<FileText>(`/v1/files/${body.id}/content`);
    expect(content.content === text).toBe(true);
    expect(content).toMatchObject({ filename: 'notes.txt', file_type: 'text/plain', type: 'file' });
  });

  it('of other purposes give their bytes back', async () => {
    const api = await start();
    const file = png(8, 8, 3_000_000);
    const { body } = await api.upload(file);
    expect((await bytesOf(api, body.id)).equals(file)).toBe(true);
    const response = await api.open('GET', `/v1/files/${body.id}/content`);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(response.headers.get('content-length')).toBe(String(file.length));
    await response.arrayBuffer();
  });

  it.each([
    ['PDF', Buffer.from('%PDF-1.7 and more'), /application\/pdf/],
    ['a picture', png(8, 8), /image\/png/],
    ['Latin-1', Buffer.from('caf\xe9 olé', 'latin1'), /not UTF-8/],
    ['a character that is cut off', Buffer.from('é').subarray(0, 1), /not UTF-8/],
  ])('that no text can be extracted from are refused in one line: %s', async (_, file, problem) => {
    const api = await start();
    const message = expectInvalid(await api.upload(file, AS_TEXT));
    expect(message).toMatch(problem);
    expect((await listed(api)).body.data).toEqual([]);
  });

  it('are refused in the live words: purpose, size, nothing, too many', async () => {
    const api = await start({ limits: { files: 2, file_bytes: 2 * 2 ** 20 } });
    const said = async (reply: ReturnType<Api['upload']>) => {
      const { status, body } = await reply;
      const { message, type } = (body as unknown as { error: { message: string; type: string } }).error;
      return [status, type, message];
    };
    const refused = (message: string) => [400, 'invalid_request_error', message];
    expect(await said(api.upload('x', { purpose: 'fine-tune' }))).toEqual(
      refused("Invalid purpose: only 'file-extract' accepted"),
    );
    const tooLarge = 'File size is too large, max file size is 2MB, please confirm and re-upload the file';
    expect(await said(api.upload(Buffer.alloc(2 * 2 ** 20 + 1)))).toEqual(refused(tooLarge));
    expect(await said(api.upload(Buffer.alloc(5 * 2 ** 20)))).toEqual(refused(tooLarge));
    expect(await said(api.upload(''))).toEqual(refused('File size is zero, please confirm and re-upload the file'));
    expect((await api.upload(Buffer.alloc(2 * 2 ** 20, 1))).status).toBe(200);
    expect((await api.upload('two')).status).toBe(200);
    expect(await said(api.upload('three'))).toEqual(refused('Too many uploaded files'));
    expect((await listed(api)).body.data).toHaveLength(2);
  });

  it('of an account hold no more bytes than files_bytes together', async () => {
    const api = await start({ limits: { files_bytes: 10 } });
    expect((await api.upload('12345')).status).toBe(200);
    expectRefusal(await api.upload('123456'), 'files_limit_reached');
    expect((await api.upload('12345')).status).toBe(200);
  });

  it('of an account are not found by another', async () => {
    const api = await start();
    const { body } = await api.upload(png(8, 8));
    const key = 'sk-other';
    expect((await listed(api, key)).body.data).toEqual([]);
    expectRefusal(await api.get(`/v1/files/${body.id}`, { key }), 'file_not_found');
    expectRefusal(await api.get(`/v1/files/${body.id}/content`, { key }), 'file_not_found');
    expectRefusal(await api.delete(`/v1/files/${body.id}`, { key }), 'file_not_found');
    const message = expectInvalid(await chat(api, [image(body.id)], key));
    expect(message).toContain(`messages[0].content[0].image_url: there is no file ms://${body.id}`);
    expect((await chat(api, [image(body.id)])).status).toBe(200);
  });

  it('stand for a picture or a video in a message, and count as the same bytes in the body do', async () => {
    const api = await start();
    const files = [png(1024, 1024), gif(640, 480)];
    for (const file of files) {
      const { body } = await api.upload(file);
      const [named, sent] = [await chat(api, [image(body.id)]), await chat(api, [picture(file)])];
      expect(named.status, named.text).toBe(200);
      expect(named.body.usage.prompt_tokens).toBe(sent.body.usage.prompt_tokens);
    }
    const film = mp4(640, 480, 3);
    const { body } = await api.upload(film, { purpose: 'video', filename: 'a.mp4' });
    const url = `data:video/mp4;base64,${film.toString('base64')}`;
    const [named, sent] = [
      await chat(api, [{ type: 'video_url', video_url: `ms://${body.id}` }]),
      await chat(api, [{ type: 'video_url', video_url: url }]),
    ];
    expect(named.body.usage.prompt_tokens).toBe(sent.body.usage.prompt_tokens);
  });

  it('that are not a picture are refused where one is asked for', async () => {
    const api = await start();
    const { body } = await api.upload('just text', { purpose: 'image' });
    const message = expectInvalid(await chat(api, [image(body.id)]));
    expect(message).toBe('Invalid request: unsupported image format: text/plain; charset=utf-8');
  });

  it('in a session are listed as they were named, and outlive their deletion', async () => {
    const api = await start();
    const { body } = await api.upload(png(64, 64));
    const session = await createSession(api, { model: MODEL });
    const content = [{ type: 'text', text: 'Look:' }, image(body.id)];
    const { status, text, body: written } = await session.append({ role: 'user', content } as never);
    expect(status, text).toBe(200);
    expect(written.data[0]?.content).toEqual(content);
    expect((await api.delete(`/v1/files/${body.id}`)).body).toEqual({ id: body.id, object: 'file', deleted: true });
    expectRefusal(await api.get(`/v1/files/${body.id}`), 'file_not_found');
    expectInvalid(await chat(api, [image(body.id)]));
    const list = await api.get<List<SessionMessage>>(`${session.path}/messages`);
    expect(list.body.data[0]?.content).toEqual(content);
    const turn = await session.chat<ChatCompletion>([{ role: 'user', content: 'And?' }], { model: MODEL });
    expect(turn.status, turn.text).toBe(200);
    const file = await api.emulator.state.export();
    const other = await start();
    await other.emulator.state.import(file);
    const moved = await other.get<List<SessionMessage>>(`${session.path}/messages`);
    expect(moved.body.data[0]?.content).toEqual(content);
  });

  it('are exported, imported with their bytes, and refused where they are there already', async () => {
    const [api, other] = [await start(), await start()];
    const { body } = await api.upload(png(64, 64, 900_000));
    const file = await api.emulator.state.export();
    await other.emulator.state.import(file);
    expect((await listed(other)).body.data).toEqual([body]);
    expect((await bytesOf(other, body.id)).equals(await bytesOf(api, body.id))).toBe(true);
    expect((await chat(other, [image(body.id)])).status).toBe(200);
    await expect(other.emulator.state.import(file)).rejects.toThrow(`${body.id} of the file already exists`);
    const full = await start({ limits: { files: 1 } });
    await full.upload('x');
    await expect(full.emulator.state.import(file)).rejects.toThrow('2 is more than 1 (files; see --limit)');
    expect((await listed(full)).body.data).toHaveLength(1);
  });

  it('are part of the baseline', async () => {
    const api = await start();
    const kept = (await api.upload(png(8, 8))).body;
    api.emulator.state.saveBaseline();
    await api.upload('later');
    await api.delete(`/v1/files/${kept.id}`);
    api.emulator.state.reset();
    expect((await listed(api)).body.data).toEqual([kept]);
    expect((await bytesOf(api, kept.id)).equals(png(8, 8))).toBe(true);
  });

  it('are gone after a reset without a baseline', async () => {
    const api = await start();
    await api.upload('x');
    api.emulator.state.reset();
    expect((await listed(api)).body.data).toEqual([]);
  });

  it('are uploaded once under an idempotency key', async () => {
    const api = await start();
    const keyed = { headers: { 'Idempotency-Key': 'upload-1' } };
    const first = await api.upload('same', keyed);
    const again = await api.upload('same', keyed);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await api.upload('other', keyed)).status).toBe(409);
    expect((await listed(api)).body.data).toEqual([first.body]);
  });

  it('stand in the journal without their bytes', async () => {
    const api = await start();
    await api.upload('a text that nobody else writes', { purpose: 'batch', filename: 'b.jsonl' });
    const [entry] = api.emulator.journal.entries();
    expect(entry).toMatchObject({ operation: 'createFile', status: 200 });
    const journaled = JSON.stringify(entry);
    expect(journaled).toContain('b.jsonl');
    expect(journaled).not.toContain('nobody else');
  });
});

it('a database keeps files across a restart', async ({ onTestFinished }) => {
  const folder = await mkdtemp(join(tmpdir(), 'kimi-emulator-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const options = { tokenizer: O200K, database: join(folder, 'state.db') };
  const api = await startEmulator('in process', options);
  const { body } = await api.upload(png(8, 8));
  await api.emulator.close();
  const again = await startEmulator('in process', options);
  expect((await listed(again)).body.data).toEqual([body]);
  expect((await chat(again, [image(body.id)])).status).toBe(200);
});
