import type { ErrorCode } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { append, createSession, result, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';
import { broken, type Line, stream } from './stream.ts';

const KINDS = ['malformed', 'empty', 'orphan', 'role', 'too-large'] as const;
type Kind = (typeof KINDS)[number];
const CODES: Record<Kind, ErrorCode> = {
  malformed: 'invalid_request',
  empty: 'invalid_request',
  orphan: 'tool_result_orphan',
  role: 'invalid_request',
  'too-large': 'append_too_large',
};

async function lineOf({ texts, limits }: Trial<string>, kind: Kind): Promise<Line> {
  if (kind === 'malformed') return '{"role":"user","content":';
  if (kind === 'empty') return user('');
  if (kind === 'orphan') return result('call_none');
  if (kind === 'role') return '{"role":"robot","content":"beep"}';
  return user(await texts.exactly(limits.append_tokens + 1));
}

export const linesBadFirst = defineCase({
  id: 'lines.bad-first',
  title: 'a first line that cannot be written is an ordinary refusal',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'malformed-refused': 'lines.bad-first',
    'empty-refused': 'lines.bad-first',
    'orphan-refused': 'lines.bad-first',
    'role-refused': 'lines.bad-first',
    'too-large-refused': 'lines.bad-first',
    'nothing-stored': 'lines.bad-first',
    'accepted-after': 'lines.accepted',
    'unknown-session-refused': 'lines.unknown-session',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    for (const kind of KINDS) {
      const reply = await stream(api, id, [await lineOf(trial, kind), user('Good.')]);
      await trial.check(`${kind}-refused`, () => refused(reply, CODES[kind]));
    }
    await trial.check('nothing-stored', () => unchanged(api, before));
    await trial.check('accepted-after', async () => succeeded(await stream(api, id, [user('Good.')])));
    await trial.check('unknown-session-refused', async () => {
      refused(await stream(api, neverWas(id), [user('Hello.')]), 'session_not_found');
    });
  },
});

export const linesBadLater = defineCase({
  id: 'lines.bad-later',
  title: 'a later line that cannot be written ends the stream, and what was acknowledged stays',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'malformed-ends': 'lines.bad-later',
    'empty-ends': 'lines.bad-later',
    'orphan-ends': 'lines.bad-later',
    'role-ends': 'lines.bad-later',
    'too-large-ends': 'lines.bad-later',
    'nothing-behind-written': 'lines.bad-later',
    'acknowledged-stays': 'lines.acknowledged-stays',
    'accepted-after': 'lines.accepted',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const acknowledged: string[] = [];
    for (const kind of KINDS) {
      const lines = [
        user(`Before ${kind}, one.`),
        user(`Before ${kind}, two.`),
        await lineOf(trial, kind),
        user('Behind.'),
      ];
      const reply = await stream(api, id, lines);
      await trial.check(`${kind}-ends`, () => {
        equal(broken(reply, CODES[kind]).length, 2, 'the lines acknowledged');
      });
      for (const line of reply.lines) {
        if (typeof line === 'object' && line !== null && 'id' in line) acknowledged.push(String(line.id));
      }
    }
    const { messages } = await stateOf(api, id);
    await trial.check('nothing-behind-written', () => {
      holds(!messages.some(({ content }) => content === 'Behind.'), 'a line behind the bad one was written');
    });
    await trial.check('acknowledged-stays', () => {
      equal(
        messages.map((message) => message.id).filter((message) => acknowledged.includes(message)),
        acknowledged,
        'the acknowledged messages that stand in the window',
      );
      holds(acknowledged.length > 0, 'some lines were acknowledged');
    });
    await trial.check('accepted-after', async () => {
      await append(api, id, user('After.'));
      succeeded(await stream(api, id, [user('After all.')]));
    });
  },
});
