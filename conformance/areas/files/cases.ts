import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { FileObject } from '../../../contract/files.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { completeChat, costOfChats, expectChatError, expectUsage } from '../../wire/chat.ts';
import type { Reply } from '../../wire/reply.ts';

const FILES = '/files';

interface Upload {
  purpose: string;
  filename: string;
  bytes: Uint8Array;
}

/** An upload as browsers write it. */
function upload(api: Api, { purpose, filename, bytes }: Upload): Promise<Reply> {
  const boundary = 'kimi-conformance-part';
  const raw = Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n${purpose}\r\n`),
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n\r\n`),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return api.post(FILES, undefined, { raw, headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` } });
}

const List = z.object({ object: z.literal('list'), data: z.array(z.looseObject({ id: z.string() })) });

async function listedIds(api: Api): Promise<string[]> {
  return expectBody(await api.get(FILES), List).data.map(({ id }) => id);
}

const filesUpload = defineCase({
  id: 'files.upload',
  title: 'a file is uploaded, listed, read and deleted',
  needs: ['files'],
  checks: {
    'object-complete': 'files.object',
    listed: 'files.list',
    'read-by-id': 'files.by-id',
    'text-as-json': 'files.content',
    'deleted-is-gone': 'files.delete',
    'purpose-refused': 'files.purpose',
    'empty-refused': 'files.empty',
    'documented-words': 'files.texts',
  },
  async run({ api, check, require, nonce }) {
    const bytes = Buffer.from(`The code word is ${nonce()}.`);
    const file = { purpose: 'file-extract', filename: 'notes.txt', bytes };
    const refusals: string[] = [];
    await check('purpose-refused', async () => {
      refusals.push(expectError(await upload(api, { ...file, purpose: 'no-such-purpose' }), 'file_purpose_invalid'));
    });
    await check('empty-refused', async () => {
      refusals.push(expectError(await upload(api, { ...file, bytes: new Uint8Array() }), 'file_empty'));
    });
    await check('documented-words', () =>
      expectEqual(refusals, [LIVE_TEXT.filePurpose, LIVE_TEXT.fileEmpty], 'the messages'),
    );
    const uploaded = expectSuccess(await upload(api, file));
    await require('object-complete', () => {
      const { bytes: size, filename, purpose } = expectBody(uploaded, FileObject);
      expectEqual(
        { size, filename, purpose },
        { size: bytes.length, filename: file.filename, purpose: file.purpose },
        'the file',
      );
    });
    const { id } = expectBody(uploaded, FileObject);
    await check('listed', async () => expectTrue((await listedIds(api)).includes(id), `${id} is not on the list`));
    await check('read-by-id', async () =>
      expectEqual(
        expectBody(await api.get(`${FILES}/${id}`), FileObject),
        expectBody(uploaded, FileObject),
        `the file ${id}`,
      ),
    );
    await check('text-as-json', async () => {
      const { content } = expectBody(await api.get(`${FILES}/${id}/content`), z.looseObject({ content: z.string() }));
      expectEqual(content.trim(), bytes.toString(), 'the content');
    });
    await check('deleted-is-gone', async () => {
      expectSuccess(await api.delete(`${FILES}/${id}`));
      expectEqual((await api.get(`${FILES}/${id}`)).status, 404, 'the status of a deleted file');
      expectTrue(!(await listedIds(api)).includes(id), `${id} is still on the list`);
    });
  },
});

/** 64 × 64 pixels of one grey. */
const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAKUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBAKBQCAQfA8G320AeXC6efoAAAAASUVORK5CYII=';

/** What the picture and its marker may take, beside a short chat. */
const PICTURE_TOKENS = 64;

const filesReference = defineCase({
  id: 'files.reference',
  title: 'a message names an uploaded picture',
  needs: ['files', 'chat'],
  checks: {
    taken: 'files.reference',
    'counted-alike': 'files.reference-tokens',
    'unknown-refused': 'files.reference-unknown',
  },
  cost: costOfChats(4, { requests: 6, promptTokens: 4 * 160 + 3 * PICTURE_TOKENS }),
  async run({ api, check }, context) {
    const asked = (url: string) => ({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Reply with exactly: OK' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
    await check('unknown-refused', () => expectChatError(context, asked('ms://file-of-nobody')));
    const uploaded = await upload(api, {
      purpose: 'image',
      filename: 'grey.png',
      bytes: Buffer.from(PICTURE, 'base64'),
    });
    const { id } = expectBody(uploaded, z.looseObject({ id: z.string() }));
    const url = `ms://${id}`;
    await check('taken', () => completeChat(context, asked(url)));
    await check('counted-alike', async () =>
      expectEqual(
        await promptTokens(context, asked(url)),
        await promptTokens(context, asked(`data:image/png;base64,${PICTURE}`)),
        'prompt_tokens',
      ),
    );
    await api.delete(`${FILES}/${id}`);
  },
});

async function promptTokens(context: CaseContext<string>, body: object): Promise<number> {
  return expectUsage((await completeChat(context, body)).usage, 'usage').prompt_tokens;
}

export const FILES_CASES: readonly Case[] = [filesUpload, filesReference];
