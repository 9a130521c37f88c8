import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileObject } from '../../contract/files.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { expectInvalid, O200K } from '../support/session.ts';

const BOUNDARY = '2f1d8c9e6b7a4c3d';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** As the Python clients write it: fields first, then the file. */
function pythonForm(file: Buffer, disposition = 'form-data; name="file"; filename="a.txt"'): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfile-extract\r\n--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\nContent-Type: text/plain\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}

function send(api: Api, form: Buffer, { type = TYPE, pieces = [form.length] } = {}) {
  let at = 0;
  const sizes = [...pieces, form.length];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const size = sizes.shift() ?? form.length;
      if (at >= form.length) return controller.close();
      controller.enqueue(new Uint8Array(form.subarray(at, at + size)));
      at += size;
    },
  });
  return api.send<FileObject>('POST', '/v1/files', body, { headers: { 'Content-Type': type } });
}

describe.each(TRANSPORTS)('an upload %s', (transport) => {
  const start = () => startEmulator(transport, { tokenizer: O200K });

  it('is read as the Python clients send it', async () => {
    const api = await start();
    const { status, body, text } = await send(api, pythonForm(Buffer.from('from Python')));
    expect(status, text).toBe(200);
    expect(body).toMatchObject({ filename: 'a.txt', bytes: 11, purpose: 'file-extract' });
  });

  it.each([
    [
      'no file',
      Buffer.from(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nimage\r\n--${BOUNDARY}--\r\n`,
      ),
      /file: is missing/,
    ],
    ['a file without a filename', pythonForm(Buffer.from('x'), 'form-data; name="file"'), /file: must be a file/],
    [
      'a file under another name',
      pythonForm(Buffer.from('x'), 'form-data; name="upload"; filename="a"'),
      /upload: the file is sent as the field file/,
    ],
    ['another boundary', pythonForm(Buffer.from('x')), /boundary/, { type: 'multipart/form-data; boundary=other' }],
    ['no boundary', pythonForm(Buffer.from('x')), /boundary/, { type: 'multipart/form-data; charset=utf-8' }],
    [
      'JSON',
      Buffer.from('{}'),
      /Content-Type must be multipart\/form-data, not application\/json/,
      { type: 'application/json' },
    ],
    ['a form that breaks off', pythonForm(Buffer.from('x')).subarray(0, -30), /multipart/],
    [
      'a filename over the limit',
      pythonForm(Buffer.from('x'), `form-data; name="file"; filename="${'n'.repeat(513)}"`),
      /at most 512 characters/,
    ],
  ])('is refused in one line: %s', async (_, form, problem, options: { type?: string } = {}) => {
    const api = await start();
    const message = expectInvalid(await send(api, form, options));
    expect(message).toMatch(problem);
    expect(message).not.toContain('\n');
    expect((await api.get('/v1/files')).body.data).toEqual([]);
  });

  it('of two files is refused', async () => {
    const api = await start();
    const form = new FormData();
    for (const name of ['a.txt', 'b.txt']) form.append('file', new Blob(['x']), name);
    form.append('purpose', 'image');
    const message = expectInvalid(await api.send('POST', '/v1/files', form));
    expect(message).toContain('send one file');
  });
});

it('an upload is the same file in whatever pieces it comes', async () => {
  const api = await startEmulator('in process', { tokenizer: O200K });
  await fc.assert(
    fc.asyncProperty(
      fc.stringMatching(/^[\r\n\-a-c2f1d]{1,200}$/),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }),
      async (text, pieces) => {
        const { status, body } = await send(api, pythonForm(Buffer.from(text)), { pieces });
        expect(status).toBe(200);
        expect(body.bytes).toBe(text.length);
        const content = await api.get(`/v1/files/${body.id}/content`);
        expect(content.body.content).toBe(text);
        await api.delete(`/v1/files/${body.id}`);
      },
    ),
    { numRuns: runs(60) },
  );
});
