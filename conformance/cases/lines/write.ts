import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { calling, createSession, type Message, result, stateOf, user } from '../../wire/dialect.ts';
import { stream, written } from './stream.ts';

const LINES: Message[] = [
  { role: 'system', content: 'Be short.' },
  // U+2028 ends no line of NDJSON, and an escaped line end neither.
  user('汉字 👩‍👧 e\u0301 \u2028 \r\n one line all the same \0'),
  { ...user('Named.'), name: 'ann', pinned: true },
  calling('call_a', 'call_b'),
  result('call_b', 'second'),
  result('call_a', 'first'),
  { role: 'assistant', content: 'Done.' },
];

export const linesWrite = defineCase({
  id: 'lines.write',
  title: 'each line is a write of its own, acknowledged as such',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream'],
  checks: {
    accepted: 'lines.accepted',
    'acknowledged-in-order': 'lines.acknowledged',
    'ids-as-listed': 'lines.acknowledged',
    'usage-after-each': 'lines.acknowledged',
    'version-after-each': 'lines.version',
    'end-counts-lines': 'lines.end',
    'end-as-read': 'lines.end',
    'content-exact': 'lines.same-rules',
    'pins-as-written': 'lines.same-rules',
    'groups-kept': 'lines.same-rules',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const reply = await stream(api, id, LINES);
    await trial.need('accepted', () => written(reply));
    const { acknowledged, end } = written(reply);
    const { session, messages } = await stateOf(api, id);
    await trial.check('acknowledged-in-order', () => {
      const indexes = acknowledged.map(({ index }) => index);
      equal(indexes, [...LINES.keys()], 'the indexes of the acknowledgements');
    });
    await trial.check('ids-as-listed', () => {
      const told = acknowledged.map((line) => ({ id: line.id, tokens: line.tokens }));
      const listed = messages.map((message) => ({ id: message.id, tokens: message.tokens }));
      equal(told, listed, 'ids and tokens of the acknowledgements');
    });
    await trial.check('usage-after-each', () => {
      let total = 0;
      for (const { index, tokens, usage } of acknowledged) {
        total += tokens;
        equal([usage.total_tokens, usage.messages], [total, index + 1], `the usage after line ${index}`);
      }
    });
    await trial.check('version-after-each', () => {
      const versions = acknowledged.map(({ version }) => version);
      const first = versions[0] ?? 0;
      equal(
        versions,
        LINES.map((_, index) => first + index),
        'the versions of the acknowledgements',
      );
    });
    await trial.check('end-counts-lines', () => equal(end.lines, LINES.length, 'the lines counted at the end'));
    await trial.check('end-as-read', () => {
      const { usage, version } = session;
      equal({ usage: end.usage, version: end.version }, { usage, version }, 'usage and version at the end');
    });
    await trial.check('content-exact', () => {
      equal(
        messages.map(({ content, name }) => [content, name]),
        LINES.map(({ content, name }) => [content, name]),
        'contents and names in the window',
      );
    });
    await trial.check('pins-as-written', () => {
      const pins = messages.map(({ pinned }) => pinned);
      equal(pins, [true, false, true, false, false, false, false], 'the pins in the window');
    });
    await trial.check('groups-kept', () => {
      const ids = messages.map(({ tool_call_id, tool_calls }) => tool_call_id ?? tool_calls?.map((call) => call.id));
      equal(
        ids,
        [undefined, undefined, undefined, ['call_a', 'call_b'], 'call_b', 'call_a', undefined],
        'calls and what answers them',
      );
    });
  },
});
