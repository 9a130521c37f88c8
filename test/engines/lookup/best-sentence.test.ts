import { describe, expect, test } from 'vitest';
import { ask, assistant, system, tool, user } from './ask.ts';

const story = [
  user('The harbour was quiet. The lighthouse keeper hid the red lantern under the third stair. Gulls cried.'),
  assistant('A lantern is a lamp. What else?'),
  user('My sister Ingrid keeps seven goats on a farm near Bergen, e.g. for cheese.'),
  user('黛玉葬花那天下着小雨。宝玉在山坡上听见哭声，便走了过去。'),
];

describe('the sentence that fits best', () => {
  test.each([
    [
      'Where did the lighthouse keeper hide the red lantern?',
      'The lighthouse keeper hid the red lantern under the third stair.',
    ],
    ['How many goats does Ingrid keep?', 'My sister Ingrid keeps seven goats on a farm near Bergen, e.g. for cheese.'],
    ['黛玉葬花那天是什么天气？', '黛玉葬花那天下着小雨。'],
    ['谁在山坡上听见哭声？', '宝玉在山坡上听见哭声，便走了过去。'],
  ])('%s', async (question, sentence) => {
    expect(await ask([...story, user(question)])).toBe(sentence);
    expect(await ask([user(question)])).toBe('NOT_FOUND');
  });

  test('is none where most of the question is nowhere', async () => {
    expect(await ask([...story, user('What is the capital of Mongolia?')])).toBe('NOT_FOUND');
    expect(await ask([...story, user('Where did the postman hide the golden trumpet?')])).toBe('NOT_FOUND');
    expect(await ask([...story, user('香菱在扬州学会了什么乐器？')])).toBe('NOT_FOUND');
    expect(await ask([...story, user('')])).toBe('NOT_FOUND');
    expect(await ask([])).toBe('NOT_FOUND');
  });

  test('is never a question or a request', async () => {
    const asked = [
      user('Where did the postman hide the golden trumpet?'),
      assistant('Which postman hid the golden trumpet?'),
      user('tell me where the postman hid the golden trumpet'),
    ];
    expect(await ask([...asked, user('Where did the postman hide the golden trumpet?')])).toBe('NOT_FOUND');
    expect(await ask([user('请告诉我邮差把金号藏在哪里'), user('邮差把金号藏在哪里？')])).toBe('NOT_FOUND');
  });

  test('is never a missing answer, nor a part of the question itself', async () => {
    expect(await ask([user('We found it in the hall.'), assistant('NOT_FOUND'), user('What was found?')])).toBe(
      'We found it in the hall.',
    );
    expect(await ask('Since the red lantern hangs over the old gate, what does the red lantern show?')).toBe(
      'NOT_FOUND',
    );
  });

  test('is the newest of equals', async () => {
    const history = [user('The goose guards the gate on Monday.'), user('The goose guards the gate on Friday.')];
    expect(await ask([...history, user('When does the goose guard the gate?')])).toBe(
      'The goose guards the gate on Friday.',
    );
  });

  test('may be what a tool is for', async () => {
    const tools = [tool('get_weather', {}, 'Tells the weather of a city. Works offline.')];
    expect(await ask([system('Be kind.'), user('Does the weather tool work offline?')], { tools })).toBe(
      'Works offline.',
    );
  });

  test('tells more than a key of one word that means something else', async () => {
    const history = [
      user('The goose that guards the Zurich warehouse at night has the nice name Otto.'),
      user('{"name":"Mia"}'),
    ];
    expect(
      await ask([...history, user('What is the name of the goose that guards the Zurich warehouse at night?')]),
    ).toContain('Otto');
    expect(await ask([...history, user('What is the name?')])).toBe('Mia');
    const ship = [user('The old ship left the harbour at dawn.'), user('status: delayed')];
    expect(await ask([...ship, user('What is the status, now that the old ship left the harbour?')])).toBe('delayed');
    expect(await ask([...ship, user('When had the old ship with that status left the harbour?')])).toContain('dawn');
  });

  test('is found in text without any line break or full stop', async () => {
    const line = `${'words of no interest, '.repeat(5_000)}the purple heron sleeps on the mast, ${'more of the same, '.repeat(5_000)}`;
    const answer = await ask([user(line), user('Where does the purple heron sleep?')]);
    expect(answer).toContain('the purple heron sleeps on the mast');
    expect(answer.length).toBeLessThan(1_200);
  });

  test('is never the declaration of a tool that must not be called', async () => {
    const options = { tools: [tool('get_weather', {}, 'Tells the weather of a city')] };
    expect(await ask('Which weather has the city?', options)).toContain('Tells the weather');
    expect(await ask('Which weather has the city?', { ...options, toolChoice: 'none' })).toBe('NOT_FOUND');
  });
});
