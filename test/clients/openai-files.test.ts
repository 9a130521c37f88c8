import { toFile } from 'openai';
import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { png } from '../support/pictures.ts';
import { O200K } from '../support/session.ts';
import { openaiFor } from './openai.ts';

describe.each(TRANSPORTS)('openai, files %s', (transport) => {
  it('uploads a picture, asks about it, lists it, reads it and deletes it', async () => {
    const client = openaiFor(await startEmulator(transport, { tokenizer: O200K }));
    const bytes = png(640, 480);
    // The purpose is Moonshot's own: the SDK passes it on.
    const purpose = 'image' as 'vision';
    const file = await client.files.create({ file: await toFile(bytes, 'plan.png'), purpose });
    expect(file).toMatchObject({ object: 'file', bytes: bytes.length, filename: 'plan.png', status: 'ready' });
    const completion = await client.chat.completions.create({
      model: 'kimi-k3',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: `ms://${file.id}` } },
            { type: 'text', text: 'How large is the picture?' },
          ],
        },
      ],
    });
    expect(completion.usage?.prompt_tokens).toBeGreaterThan(400);
    const listed = [];
    for await (const each of client.files.list()) listed.push(each);
    expect(listed).toEqual([file]);
    expect(await client.files.retrieve(file.id)).toEqual(file);
    const content = await client.files.content(file.id);
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await client.files.delete(file.id)).deleted).toBe(true);
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404 });
  });
});
