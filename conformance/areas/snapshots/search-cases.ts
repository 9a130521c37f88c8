import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual } from '../../core/expect.ts';
import { idOf, type Message, user } from '../../wire/sessions.ts';

/** Words in every place of a message, searched in every way. */

const parts = (...texts: string[]) => texts.map((text) => ({ type: 'text' as const, text }));
const calling = (id: string, name: string, args: object, fields: object = {}): Message[] => [
  {
    role: 'assistant',
    content: null,
    ...fields,
    tool_calls: [{ id, type: 'function', function: { name, arguments: JSON.stringify(args) } }],
  },
];

/** Places of a word, each with the messages of which one holds it there. */
const PLACES: Readonly<Record<string, (word: string) => Message[]>> = {
  text: (word) => [user(`Here is ${word}.`)],
  named: (word) => [{ ...user(`Here is ${word}.`), name: 'ann' }],
  system: (word) => [{ role: 'system', content: `Mind ${word}.` }],
  assistant: (word) => [{ role: 'assistant', content: `Found ${word}.` }],
  pinned: (word) => [{ ...user(`Keep ${word}.`), pinned: true }],
  'first-part': (word) => [{ role: 'user', content: parts(`Here is ${word}.`, 'And more.') }],
  'last-part': (word) => [{ role: 'user', content: parts('Here is', 'more', `and ${word}.`) }],
  'only-part': (word) => [{ role: 'user', content: parts(`Here is ${word}.`) }],
  'beside-call': (word) => [
    ...calling('call_1', 'look_up', {}, { content: `I look for ${word}.` }),
    result('call_1', 'done'),
  ],
  arguments: (word) => [...calling('call_1', 'look_up', { of: word }), result('call_1', 'done')],
  result: (word) => [...calling('call_1', 'look_up', {}), result('call_1', `It is ${word}.`)],
  'result-part': (word) => [...calling('call_1', 'look_up', {}), result('call_1', parts('It is', `${word}.`))],
};

function result(tool_call_id: string, content: string | ReturnType<typeof parts>): Message {
  return { role: 'tool', tool_call_id, content };
}

const NAMES = Object.keys(PLACES);
const FIRST = ['alpha', 'beta'];

export const snapshotSearch: Case = defineCase<string>({
  id: 'snapshots.search',
  title: 'a search finds words wherever a message has them',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  checks: {
    ...Object.fromEntries(NAMES.map((name) => [name, 'snapshots.query'])),
    'two-words-in-parts two-words-in-any-order one-word-missing blanks-around': 'snapshots.query',
    'oldest-first-on-request nothing-but-words': 'snapshots.query',
  },
  cost: () => ({ requests: 20 + 5 * NAMES.length }),
  async run({ api, check, nonce }) {
    const { id } = await api.createSession();
    const words = new Map<string, string>();
    for (const name of NAMES) {
      const word = nonce();
      words.set(name, word);
      await api.append(id, (PLACES[name] as (word: string) => Message[])(word));
    }
    await api.append(id, [
      { role: 'user', content: parts(`All of ${FIRST[0]}`, `and ${FIRST[1]}`) },
      user(`Only ${FIRST[1]}.`),
    ]);
    const { id: snapshot } = await api.createSnapshot(id);
    const path = `/snapshots/${snapshot}/messages`;
    const archived = await api.readMessages(`${path}?scope=archived`);
    const found = async (query: string, more = '') => {
      const messages = await api.readMessages(`${path}?query=${encodeURIComponent(query)}${more}`);
      return messages.map(idOf);
    };
    const holding = (word: string) =>
      archived.filter((message) => JSON.stringify([message.content, message.tool_calls]).includes(word)).map(idOf);
    for (const [name, word] of words) {
      await check(name, async () => {
        const due = holding(word);
        expectEqual(due.length, 1, 'the messages that hold a word');
        for (const query of [word, word.toLowerCase()]) {
          for (const scope of ['', '&scope=archived'])
            expectEqual(await found(query, scope), due, 'the messages that are found');
        }
      });
    }
    const [both, one] = archived.slice(-2).map(idOf);
    await check('two-words-in-parts', async () => {
      expectEqual(await found('alpha beta'), [both], 'the messages with both words');
    });
    await check('two-words-in-any-order', async () => {
      expectEqual(await found('BETA Alpha'), [both], 'the messages with both words');
    });
    await check('one-word-missing', async () => {
      expectEqual(await found('alpha gamma'), [], 'the messages with both words');
    });
    await check('blanks-around', async () => {
      expectEqual(await found('  beta \t '), [one, both], 'the messages with the word');
    });
    await check('nothing-but-words', async () => {
      for (const query of ['assistant', 'content', 'session.message', String(both)])
        expectEqual(await found(query), [], `the messages that hold ${query}, which nobody wrote`);
    });
    await check('oldest-first-on-request', async () => {
      expectEqual(await found('beta', '&order=asc'), [both, one], 'the messages with the word, oldest first');
    });
  },
});
