import { defineCase } from '../../core/case.ts';
import type { Trial } from '../../core/trial.ts';
import { chats, complete, orders, refusedChat, within3 } from '../../wire/completions.ts';

const HALT = 'HALT';

export const chatStop = defineCase({
  id: 'chat.stop',
  title: 'a stop string ends the answer before it',
  needs: ['chat'],
  checks: { 'string-ends': 'chat.stop', 'list-ends': 'chat.stop' },
  cost: chats(6),
  async run(trial) {
    await trial.check('string-ends', () => endsBefore(trial, HALT));
    await trial.check('list-ends', () => endsBefore(trial, ['~~~', HALT]));
  },
});

async function endsBefore(trial: Trial<string>, stop: string | string[]): Promise<void> {
  const [before, after] = [trial.nonce(), trial.nonce()];
  await within3(async () => {
    const { text, choice } = await complete(trial, { messages: orders(`${before} ${HALT} ${after}`), stop });
    if (text.includes(HALT) || text.includes(after)) return `the answer goes on: ${text}`;
    if (!text.includes(before)) return `the answer ends too soon: ${text}`;
    return choice.finish_reason === 'stop' ? undefined : `finish_reason: expected stop, got ${choice.finish_reason}`;
  });
}

const MOST = 5;
const MOST_BYTES = 32;
/** Three bytes each in UTF-8. */
const HAN = '停';

export const chatStopLimits = defineCase({
  id: 'chat.stop-limits',
  title: 'five stop strings of 32 bytes are accepted, more and longer ones refused',
  needs: ['chat'],
  checks: {
    'most-accepted': 'chat.stop-limits',
    'one-more-refused': 'chat.stop-limits',
    'longer-refused': 'chat.stop-limits',
    'bytes-counted': 'chat.stop-limits',
  },
  cost: chats(5),
  async run(trial) {
    const longest = Array.from({ length: MOST }, (_, index) => `${index}`.padEnd(MOST_BYTES, '#'));
    await trial.check('one-more-refused', () => refusedChat(trial, { stop: [...longest, 'one more'] }));
    await trial.check('longer-refused', () => refusedChat(trial, { stop: ['#'.repeat(MOST_BYTES + 1)] }));
    await trial.check('bytes-counted', () => refusedChat(trial, { stop: HAN.repeat(Math.floor(MOST_BYTES / 3) + 1) }));
    await trial.check('most-accepted', () => complete(trial, { stop: longest }));
  },
});
