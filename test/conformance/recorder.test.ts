import { expect, it, onTestFinished } from 'vitest';
import { type Recorder, startRecorder } from './recorder.ts';

it('a recorder closes after its running requests end, even if their sender has gone', async () => {
  let requests: Recorder['requests'] = [];
  // What is registered first is called last: after the recorder was closed.
  onTestFinished(() => expect(requests).toMatchObject([{ status: 201 }]));
  const recorder = await startRecorder();
  requests = recorder.requests;
  const arrived = new Promise<void>((resolve) => {
    recorder.onRequest = () => resolve();
  });
  const sender = new AbortController();
  const messages = Array.from({ length: 200 }, () => ({ role: 'user', content: 'word '.repeat(30) }));
  const sent = fetch(`${recorder.url}/sessions`, {
    method: 'POST',
    headers: { Authorization: 'Bearer sk-any', 'Content-Type': 'application/json' },
    body: JSON.stringify({ messages }),
    signal: sender.signal,
  });
  await arrived;
  sender.abort();
  await expect(sent).rejects.toThrow();
});
