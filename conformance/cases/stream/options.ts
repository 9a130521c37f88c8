import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped } from '../../core/expect.ts';
import { chats, complete, finishing, orders, send, soundUsage, stream } from '../../wire/completions.ts';

export const streamUsage = defineCase({
  id: 'stream.usage',
  title: 'include_usage adds one chunk with the usage',
  needs: ['chat', 'chat.stream'],
  checks: {
    'chunk-added': 'stream.include-usage',
    'same-usage': 'stream.include-usage',
    'false-adds-none': 'stream.include-usage',
  },
  cost: chats(2),
  async run(trial) {
    const { chunks } = await stream(trial, { stream_options: { include_usage: true } });
    const last = chunks.at(-1);
    await trial.need('chunk-added', () => {
      equal(chunks.filter(({ choices }) => choices.length === 0).length, 1, 'chunks without choices');
      equal(last?.choices, [], 'choices of the last chunk');
    });
    await trial.check('same-usage', () => {
      const usage = soundUsage(last?.usage, 'usage of the last chunk');
      equal(
        usage,
        soundUsage(finishing(chunks)[0]?.choices[0]?.usage, 'usage of the finish chunk'),
        'the usage asked for',
      );
    });
    await trial.check('false-adds-none', async () => {
      const without = await stream(trial, { stream_options: { include_usage: false } });
      equal(
        without.chunks.filter(({ choices }) => choices.length === 0),
        [],
        'chunks without choices',
      );
    });
  },
});

const FEW = 5;

export const streamLength = defineCase({
  id: 'stream.length',
  title: 'a streamed answer that is cut says so',
  needs: ['chat', 'chat.stream'],
  checks: { 'cut-says-length': 'stream.length', bounded: 'stream.length' },
  cost: chats(1),
  async run(trial) {
    const messages = orders([trial.nonce(), trial.nonce(), trial.nonce()].join(' '));
    const { chunks } = await stream(trial, { messages, max_tokens: FEW });
    const [choice] = finishing(chunks)[0]?.choices ?? [];
    await trial.check('cut-says-length', () => equal(choice?.finish_reason, 'length', 'finish_reason'));
    await trial.check('bounded', () => {
      const { completion_tokens } = shaped(z.looseObject({ completion_tokens: z.int() }), choice?.usage, 'usage');
      holds(completion_tokens <= FEW, `an answer of at most ${FEW} tokens takes ${completion_tokens}`);
    });
  },
});

export const streamAsked = defineCase({
  id: 'stream.asked',
  title: 'only what is to be streamed is',
  needs: ['chat', 'chat.stream'],
  checks: { 'false-is-whole': 'stream.asked', 'absent-is-whole': 'stream.asked', 'true-is-streamed': 'stream.asked' },
  cost: chats(3),
  async run(trial) {
    await trial.check('true-is-streamed', async () => {
      holds((await stream(trial)).chunks.length > 0, 'no event came');
    });
    await trial.check('false-is-whole', () => complete(trial, { stream: false }));
    await trial.check('absent-is-whole', () => complete(trial));
  },
});

export const streamRefusal = defineCase({
  id: 'stream.refusal',
  title: 'a refusal is plain JSON, also where a stream was asked for',
  needs: ['chat', 'chat.stream'],
  checks: { 'plain-json': 'stream.refusal', 'next-streamed': 'stream.events' },
  cost: chats(2),
  async run(trial) {
    await trial.check('plain-json', async () => {
      const reply = await send(trial, { stream: true, messages: [{ role: 'user', content: '' }] });
      equal(refused(reply, 'content_empty'), LIVE_TEXT.contentEmpty, 'the message');
      const type = reply.headers.get('content-type');
      holds(type?.startsWith('application/json') ?? false, `the content type of a refusal is ${type}`);
    });
    await trial.check('next-streamed', async () => {
      const { reply } = await stream(trial);
      holds(reply.headers.get('content-type')?.startsWith('text/event-stream') ?? false, 'no event stream');
    });
  },
});
