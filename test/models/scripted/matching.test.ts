import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../contract/messages.ts';
import { ScriptedModel, type ScriptRule, scriptOf } from '../../../emulator/models/scripted.ts';
import { assistant, requestOf, system, user } from '../../engines/lookup/ask.ts';
import { failing } from '../../support/held-model.ts';
import { answer, scripted } from './ask.ts';

const CALL = {
  id: 'functions.get_weather:0',
  type: 'function' as const,
  function: { name: 'get_weather', arguments: '{}' },
};
const OTHER = {
  id: 'functions.get_time:1',
  type: 'function' as const,
  function: { name: 'get_time', arguments: '{}' },
};
const returned = (id: string, content: string): ChatMessage => ({ role: 'tool', tool_call_id: id, content });
const WEATHER: ChatMessage[] = [
  user('weather and time?'),
  { role: 'assistant', content: null, tool_calls: [CALL, OTHER] },
  returned(CALL.id, 'sunny, 21 °C'),
  returned(OTHER.id, '12:00'),
];

type When = NonNullable<ScriptRule['when']>;

async function matches(when: When, messages: string | ChatMessage[], options = {}): Promise<boolean> {
  const text = await answer(scripted([{ when, reply: 'yes' }]), requestOf(messages, options));
  return text === 'yes';
}

describe('the last message', () => {
  test.each<[When, boolean]>([
    [{ text: 'hello' }, true],
    [{ text: 'Hello' }, false],
    [{ text: '/HELLO/i' }, true],
    [{ text: '/^hello$/' }, false],
    [{ text: /o, w/ }, true],
    [{ text: { regex: '^say' } }, true],
    [{ text: /(?<=say )\w/ }, true],
    [{ text: /(?<!say )\bhello/ }, false],
    [{ text: { regex: '^SAY', flags: 'i' } }, true],
    [{ role: 'user' }, true],
    [{ role: 'tool' }, false],
    [{ text: 'hello', role: 'system' }, false],
    [{}, true],
    [({ messages }) => messages.length === 2, true],
    [() => false, false],
  ])('%j', async (when, expected) => {
    expect(await matches(when, [system('hello from before'), user('say hello, world')])).toBe(expected);
  });

  test('an expression that matched before matches again, whatever its flags', async () => {
    const model = scripted([{ when: { text: /hi/g }, reply: 'yes' }]);
    expect(await answer(model, requestOf('hi'))).toBe('yes');
    expect(await answer(model, requestOf('hi'))).toBe('yes');
  });

  test('an expression that backtracks in other engines does not hang', async () => {
    expect(await matches({ text: '/(a+)+$/' }, `${'a'.repeat(100_000)}!`)).toBe(false);
  });

  test('a path is text, not an expression', async () => {
    expect(await matches({ text: '/etc/passwd' }, 'read /etc/passwd now')).toBe(true);
  });
});

describe('tool results at the end', () => {
  test.each<[When, boolean]>([
    [{ tool: {} }, true],
    [{ tool: { name: 'get_weather' } }, true],
    [{ tool: { name: 'get_w' } }, false],
    [{ tool: { name: '/^get_/' } }, true],
    [{ tool: { content: 'sunny' } }, true],
    [{ tool: { name: 'get_weather', content: 'sunny' } }, true],
    [{ tool: { name: 'get_time', content: 'sunny' } }, false],
    [{ text: '12:00', tool: { name: 'get_weather' } }, true],
  ])('%j', async (when, expected) => {
    expect(await matches(when, WEATHER)).toBe(expected);
  });

  test('tool results that were answered since do not match', async () => {
    expect(await matches({ tool: {} }, [...WEATHER, assistant('Sunny.'), user('thanks')])).toBe(false);
  });
});

describe('reminders that agents add', () => {
  const REMINDER = '<system-reminder>The todo list is empty.\nDo not mention this.</system-reminder>';
  const DETAILS = '<environment_details># Open tabs\nweather.ts</environment_details>';
  const TASK = 'How is the weather?';

  test.each<[string, ChatMessage[]]>([
    ['after the text', [user(`${TASK}\n${REMINDER}`)]],
    ['around the text', [user(`${REMINDER}${TASK}\n\n${DETAILS}${REMINDER}`)]],
    [
      'in parts of their own',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: REMINDER },
            { type: 'text', text: TASK },
          ],
        },
      ],
    ],
    ['in messages of their own', [user('hi'), assistant('hello'), user(TASK), user(REMINDER), system(REMINDER)]],
    ['with a tag that is never closed', [user(`${TASK}${REMINDER}`), user(REMINDER)]],
  ])('when.text and when.role look behind those %s', async (_, messages) => {
    expect(await matches({ text: '/^how is the weather\\?$/i', role: 'user' }, messages)).toBe(true);
    expect(await matches({ text: 'todo' }, messages)).toBe(false);
    expect(await matches({ text: 'tabs' }, messages)).toBe(false);
  });

  test('a tool result at the end stays the end, and what it holds is text', async () => {
    const messages = [...WEATHER.slice(0, -1), returned(OTHER.id, '<system>exit 0</system>12:00'), user(REMINDER)];
    expect(await matches({ tool: { name: 'get_weather', content: 'sunny' } }, messages)).toBe(true);
    expect(await matches({ text: 'exit 0', role: 'tool' }, messages)).toBe(true);
    expect(await matches({ text: 'time?' }, messages)).toBe(false);
  });

  test('do not count as turns, and are looked at where there is nothing else', async () => {
    expect(await matches({ turn: 1 }, [user(TASK), user(REMINDER)])).toBe(true);
    expect(await matches({ text: 'todo' }, [user(REMINDER)])).toBe(false);
    expect(await matches({ role: 'user' }, [system('be brief'), user(REMINDER)])).toBe(false);
    expect(await matches({ role: 'user' }, [user(REMINDER)])).toBe(true);
  });

  test('a hundred thousand tags that are never closed take no time', async () => {
    expect(await matches({ text: 'weather' }, [user('<system-reminder>'.repeat(100_000) + TASK)])).toBe(true);
  });
});

describe('when.anyOf', () => {
  const messages = [user('weather in Oslo?'), assistant('Rain.'), user('and the time?'), user('<system>x</system>')];
  const CALLED: ChatMessage[] = [
    { role: 'assistant', content: null, tool_calls: [OTHER] },
    returned(OTHER.id, '12:00'),
  ];

  test.each<[When, boolean]>([
    [{ text: 'time', anyOf: 1 }, true],
    [{ text: 'Oslo', anyOf: 1 }, false],
    [{ text: 'Oslo', anyOf: 2 }, true],
    [{ text: 'Rain', anyOf: 9 }, false],
    [{ text: '12:00', anyOf: 9 }, false],
  ])('%j looks in so many of the newest messages of the user, wherever the prompt ends', async (when, expected) => {
    expect(await matches(when, messages)).toBe(expected);
    expect(await matches(when, [...messages, ...CALLED])).toBe(expected);
  });

  test('says why it does not hold, and needs a text', async () => {
    const strict = scripted([{ when: { text: 'Bergen', anyOf: 2 }, reply: 'yes' }], { strict: true });
    await expect(answer(strict, requestOf(messages))).rejects.toThrow(
      `none of the user's last 2 messages holds "Bergen"`,
    );
    expect(() => scriptOf([{ when: { anyOf: 2 }, reply: 'yes' }])).toThrow('[0].when.anyOf: goes with text');
    expect(() => scriptOf([{ when: { text: 'a', anyOf: 0 }, reply: 'yes' }])).toThrow('[0].when.anyOf: ');
  });

  test('a reply names what was found in the newest message that holds it', async () => {
    const model = scripted([{ when: { text: /in (\w+)/, anyOf: 3 }, reply: '$1' }]);
    expect(await answer(model, requestOf([user('in Rome'), ...messages, ...CALLED]))).toBe('Oslo');
  });
});

test('when.model matches the whole name', async () => {
  expect(await matches({ model: 'kimi-k2-0905' }, 'hi', { model: 'kimi-k2-0905' })).toBe(true);
  expect(await matches({ model: 'kimi-k2-0905' }, 'hi', { model: 'kimi-k2-0905-preview' })).toBe(false);
  expect(await matches({ model: '/^kimi/' }, 'hi')).toBe(true);
});

test('when.session matches only requests in that session', async () => {
  expect(await matches({ session: 'sess_1' }, 'hi', { session: { id: 'sess_1' } })).toBe(true);
  expect(await matches({ session: 'sess_1' }, 'hi', { session: { id: 'sess_12' } })).toBe(false);
  expect(await matches({ session: '/./' }, 'hi')).toBe(false);
});

describe('the turn', () => {
  test('without a session is the number of user messages', async () => {
    expect(await matches({ turn: 2 }, [user('a'), assistant('b'), user('c')])).toBe(true);
    expect(await matches({ turn: 3 }, [user('a'), assistant('b'), user('c')])).toBe(false);
  });

  test('in a session counts its answers, also those of the next model and those that were cut', async () => {
    const model = scripted([{ when: { turn: 3, session: 'sess_a' }, reply: 'third' }]);
    const ask = (id: string) => answer(model, requestOf('hi', { session: { id } }));
    expect([await ask('sess_a'), await ask('sess_b'), await ask('sess_a')]).toEqual(['next', 'next', 'next']);
    expect(await ask('sess_a')).toBe('third');
    expect([await ask('sess_a'), await ask('sess_b')]).toEqual(['next', 'next']);
  });

  test('does not count an answer that failed', async () => {
    const model = scripted([
      { when: { turn: 1 }, reply: { error: 'engine_overloaded' }, times: 1 },
      { when: { turn: 1 }, reply: 'first' },
    ]);
    const request = requestOf('hi', { session: { id: 'sess_a' } });
    await expect(answer(model, request)).rejects.toThrow('currently overloaded');
    expect(await answer(model, request)).toBe('first');
    expect(await answer(model, request)).toBe('next');
  });

  test('counts an answer that stop ended, but not one that was aborted', async () => {
    const model = scripted([{ when: { turn: 1 }, replies: ['first', 'first again'] }]);
    const session = { id: 'sess_a' };
    const gone = new AbortController();
    for await (const _ of model.complete(requestOf('hi', { session, signal: gone.signal }))) {
      gone.abort();
      break;
    }
    for await (const delta of model.complete(requestOf('hi', { session }))) {
      expect(delta).toEqual({ type: 'text', text: 'first again' });
      break;
    }
    expect(await answer(model, requestOf('hi', { session }))).toBe('next');
  });

  test('does not count an answer that the next model breaks off', async () => {
    const model = new ScriptedModel(failing(new Error('broken off'), { type: 'text', text: 'so far' }));
    model.load(scriptOf([{ when: { turn: 2 }, reply: 'second' }]));
    const request = requestOf('hi', { session: { id: 'sess_a' } });
    await expect(answer(model, request)).rejects.toThrow('broken off');
    await expect(answer(model, request)).rejects.toThrow('broken off');
  });
});
