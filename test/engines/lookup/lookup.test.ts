import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../contract/messages.ts';
import { readShared } from '../../support/shared.ts';
import { ask, assistant, deltasOf, requestOf, system, tool, user } from './ask.ts';

function dialogues(jsonl: string, count: number): ChatMessage[] {
  const lines = jsonl.split('\n').slice(0, count);
  return lines.flatMap((line) => (JSON.parse(line) as { messages: ChatMessage[] }).messages);
}

const PLANTED = [
  [
    'By the way, the access code for the Frankfurt warehouse is QX-4471.',
    'What is the access code for the Frankfurt warehouse?',
    'QX-4471',
  ],
  ['deploy_token = tk_9931_ab', 'What is the deploy token?', 'tk_9931_ab'],
  [
    '{"invoice_id":"INV-2231","iban":"DE44500105175407324931"}',
    'What is the iban of invoice INV-2231?',
    'DE44500105175407324931',
  ],
  [
    'The backup runs every Tuesday at 03:40 in the Oslo data centre.',
    'When does the backup run in the Oslo data centre?',
    'Tuesday at 03:40',
  ],
  [
    'The lighthouse keeper hid the red lantern under the third stair.',
    'Where did the lighthouse keeper hide the red lantern?',
    'third stair',
  ],
  ['请记住：紧急联系人：王小明，电话：13800138000。', '紧急联系人是谁？', '王小明'],
  ['项目代号为“青鸾”。', '项目代号是什么？', '青鸾'],
  ['我姐姐英格丽在卑尔根附近养了七只山羊。', '英格丽养了几只山羊？', '七只山羊'],
] as const;

/** Plants each fact at several depths and asks; then asks without it. */
async function plantAndAsk(context: readonly ChatMessage[]): Promise<void> {
  for (const [fact, question, answer] of PLANTED) {
    for (const depth of [0, 0.5, 1]) {
      const at = Math.floor(context.length * depth);
      const told = [...context.slice(0, at), user(fact), assistant('Noted.'), ...context.slice(at), user(question)];
      expect(await ask(told)).toContain(answer);
    }
    expect(await ask([...context, user(question)])).toBe('NOT_FOUND');
  }
}

describe('on real input', () => {
  test('facts planted in dialogues are found, and cut away they are lost', async (context) => {
    await plantAndAsk(dialogues(readShared(context, 'dialogues'), 5));
  });

  test('facts planted in a Chinese novel are found, and cut away they are lost', async (context) => {
    const novel = readShared(context, 'novel').slice(0, 40_000);
    await plantAndAsk((novel.match(/[\s\S]{1,800}/g) ?? []).map(user));
  });

  test('facts of the dialogues and the novel are found', async (context) => {
    const talk = dialogues(readShared(context, 'dialogues'), 1);
    expect(await ask([...talk, user('What is my user ID?')])).toBe('mia_li_3668');
    expect(await ask([...talk, user('How long may a reservation be cancelled within booking?')])).toContain('24 hours');
    const novel = user(readShared(context, 'novel'));
    expect(await ask([novel, user('女娲氏在哪里炼石补天？')])).toContain('大荒山');
  });
});

describe('the order of the rules', () => {
  const tools = [tool('get_code', { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] })];
  const history = [system('The vault code is 7391.')];

  test('calls before JSON, JSON before words, words before facts', async () => {
    const question = [...history, user('Call get_code for Paris. Reply with only {"x":1}')];
    const responseFormat = { type: 'json_object' } as const;
    expect(await ask(question, { tools, responseFormat })).toBe('[call of get_code]');
    expect(await ask(question, { responseFormat })).toBe('{"x":1}');
    expect(await ask([...history, user('What is the vault code? Reply with only OK')], { responseFormat })).toBe(
      '{"vault code":7391}',
    );
    expect(await ask([...history, user('What is the vault code? Reply with only OK')])).toBe('OK');
    expect(await ask([...history, user('What is the vault code?')])).toBe('7391');
  });
});

describe('the stream', () => {
  test('is the same for the same request', async () => {
    const request = requestOf([
      user('The vault code is 7391. The goose guards the gate.'),
      user('What guards the gate?'),
    ]);
    const first = await deltasOf(request);
    expect(first).toHaveLength(1);
    expect(await deltasOf(request)).toEqual(first);
  });

  test('takes content in parts as one text', async () => {
    const parts: ChatMessage = {
      role: 'user',
      content: [
        { type: 'text', text: 'vault co' },
        { type: 'text', text: 'de: 7391' },
      ],
    };
    expect(await ask([parts, user('What is the vault code?')])).toBe('7391');
  });

  const large = Array.from({ length: 2_000 }, (_, index) =>
    user(`In the year ${index} the harvest was good. `.repeat(15)),
  );

  test('gives way to the event loop, and ends when the request is given up', async () => {
    const abort = new AbortController();
    const watch = nextTick().then(() => abort.abort(new Error('given up')));
    await expect(
      deltasOf(requestOf([...large, user('Where is the unicorn?')], { signal: abort.signal })),
    ).rejects.toThrow('given up');
    await watch;
  });

  test('does not begin for a request already given up', async () => {
    await expect(deltasOf(requestOf('Hello', { signal: AbortSignal.abort(new Error('given up')) }))).rejects.toThrow(
      'given up',
    );
  });

  test.each(['k: ', 'code is ', '"vault code":', 'a', '金库的密码是', 'vault code ', '. ', '? ', 'vault '])(
    'ends on 100,000 units of %j',
    async (unit) => {
      const text = unit.repeat(100_000 / unit.length);
      expect(typeof (await ask([user(text), user('What is the vault code? 金库的密码是多少？')]))).toBe('string');
      expect(typeof (await ask(text))).toBe('string');
    },
  );

  test('answers from tens of thousands of messages', async () => {
    const many = Array.from({ length: 50_000 }, (_, index) => user(index === 7 ? 'vault code: 7391' : `note ${index}`));
    expect(await ask([...many, user('What is the vault code?')])).toBe('7391');
  });
});
