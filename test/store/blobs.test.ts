import { describe, expect, it, onTestFinished } from 'vitest';
import { toBlob } from '../../emulator/engines/media/data-url.ts';
import { Store } from '../../emulator/store/store.ts';

function openStore(): Store {
  const store = new Store(':memory:');
  onTestFinished(() => store.close());
  return store;
}

function sweep(store: Store): void {
  while (store.collector.slice());
}

function written(hash: string) {
  const body = {
    role: 'user' as const,
    content: [{ type: 'image_url' as const, image_url: `data:image/png;base64,#sha256=${hash}` }],
  };
  const message = { id: 'msg_1', body, truncated: false, summary: false, createdAt: 0 };
  return { message, tokens: 1, reasoning: 0, border: false, pinned: false, held: false, opensGroup: true };
}

describe('stored bytes', () => {
  it('are read in the parts in which they were written', async () => {
    const store = openStore();
    const bytes = Buffer.alloc(2_000_000, 'abc');
    const blob = toBlob(bytes);
    await store.blobs.put(blob);
    const parts = [...store.blobs.read(blob.hash)];
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(parts.slice(0, -1).every((part) => part.length % 3 === 0)).toBe(true);
    expect(store.blobs.size(blob.hash)).toBe(2_000_000);
  });

  it('stay while a request holds them, and go where nothing has come to point to them', async () => {
    const store = openStore();
    const blob = toBlob(Buffer.alloc(2_000_000, 1));
    const [release, again] = await Promise.all([store.blobs.put(blob), store.blobs.put(blob)]);
    sweep(store);
    expect(store.blobs.size(blob.hash)).toBe(2_000_000);
    release?.();
    release?.();
    sweep(store);
    expect(store.blobs.size(blob.hash)).toBe(2_000_000);
    again?.();
    sweep(store);
    expect(store.blobs.size(blob.hash)).toBeUndefined();
  });

  it('stay while a message points to them, and go with the last that does', async () => {
    const store = openStore();
    const blob = toBlob(Buffer.from('bytes'));
    const release = await store.blobs.put(blob);
    const [one, two] = [store.history.create(), store.history.create()];
    store.history.append(one, [written(blob.hash)]);
    const other = store.history.append(two, [written(blob.hash)]);
    release();
    store.sessions.insert({
      id: 'sess_1',
      account: 'a',
      model: 'kimi-k3',
      title: null,
      metadata: {},
      toolset: null,
      version: 1,
      calls: 0,
      forkedFrom: null,
      createdAt: 0,
      updatedAt: 0,
      view: other,
    });
    store.collector.markDirty(one.segment);
    sweep(store);
    expect(store.blobs.size(blob.hash)).toBe(5);
    store.sessions.delete('sess_1');
    store.collector.markDirty(two.segment);
    sweep(store);
    expect(store.blobs.size(blob.hash)).toBeUndefined();
  });

  it('are written again where they are being removed', async () => {
    const store = openStore();
    const blob = toBlob(Buffer.alloc(9_000_000, 2));
    (await store.blobs.put(blob))();
    // Condemned, and a part of them removed.
    store.collector.slice();
    store.collector.slice();
    await store.blobs.put(blob);
    sweep(store);
    expect(Buffer.concat([...store.blobs.read(blob.hash)]).equals(Buffer.concat(blob.parts))).toBe(true);
  });
});
