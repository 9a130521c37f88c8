import type { SessionUnderTest } from '../support/session.ts';

const CHAT = { model: 'kimi-k2-0905', messages: [{ role: 'user', content: 'hi' }] };

interface Place {
  session: SessionUnderTest;
  snapshot: string;
  message: string;
}

type Change = (place: Place) => [method: string, path: string, body?: object];

/** Every POST and DELETE of the contract, each as one that takes effect. */
export const CHANGES: Record<string, Change> = {
  create: () => ['POST', '/v1/sessions', { title: 'x' }],
  fork: ({ snapshot }) => ['POST', '/v1/sessions', { snapshot_id: snapshot }],
  update: ({ session }) => ['POST', session.path, { title: 'y' }],
  append: ({ session }) => ['POST', `${session.path}/messages`, { role: 'user', content: 'more' }],
  pin: ({ session, message }) => ['POST', `${session.path}/messages/${message}`, { pinned: true }],
  truncate: ({ session }) => ['POST', `${session.path}/truncate`, { preserve_len: 16 }],
  snapshot: ({ session }) => ['POST', `${session.path}/snapshots`, {}],
  rollback: ({ session, snapshot }) => ['POST', `${session.path}/rollback`, { snapshot_id: snapshot }],
  compress: ({ session }) => ['POST', `${session.path}/compress`, { ratio: 2 }],
  share: ({ snapshot }) => ['POST', `/v1/snapshots/${snapshot}/share`, {}],
  unshare: ({ snapshot }) => ['DELETE', `/v1/snapshots/${snapshot}/share`],
  'delete snapshot': ({ snapshot }) => ['DELETE', `/v1/snapshots/${snapshot}`],
  'delete session': ({ session }) => ['DELETE', session.path],
  'chat in a session': ({ session }) => ['POST', '/v1/chat/completions', { ...CHAT, session_id: session.id }],
  'streamed chat in a session': ({ session }) => [
    'POST',
    '/v1/chat/completions',
    { ...CHAT, session_id: session.id, stream: true },
  ],
  'chat without one': () => ['POST', '/v1/chat/completions', CHAT],
  estimate: () => ['POST', '/v1/tokenizers/estimate-token-count', CHAT],
};
