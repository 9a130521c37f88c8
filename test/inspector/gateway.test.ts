import { expect, it, onTestFinished } from 'vitest';
import { createGateway } from '../../emulator/index.ts';
import type { Overview, Timeline } from '../../emulator/inspector/answers.ts';
import { Api } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';

it('a gateway has the inspector too: its page, its sessions and their past', async () => {
  const gateway = createGateway({ upstream: 'http://127.0.0.1:9', tokenizer: O200K });
  onTestFinished(() => gateway.close());
  await gateway.listen();
  const api = new Api(gateway, 'over HTTP');
  const { id } = (await api.post<{ id: string }>('/v1/sessions', { title: 'harbour' })).body;
  await api.post(`/v1/sessions/${id}/messages`, { role: 'user', content: 'hello' });
  expect((await api.get<Overview>('/_emulator/inspect')).body).toMatchObject({ sessions: 1, read_only: false });
  const { items } = (await api.get<Timeline>(`/_emulator/inspect/sessions/${id}`)).body;
  expect(items.map(({ kind }) => kind)).toEqual(['created', 'append']);
  expect((await api.get('/_emulator/ui')).headers.get('content-type')).toBe('text/html; charset=utf-8');
});
