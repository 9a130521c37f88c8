import { describe, expect, it } from 'vitest';
import { outline } from './outline.ts';
import { claude, readOne, transcriptFolder } from './transcript-files.ts';

const { write } = transcriptFolder();

const block = (type: string, rest: object) => ({ type, ...rest });

describe('a log of Claude Code', () => {
  const use = (id: string, path: string) => block('tool_use', { id, name: 'Read', input: { path } });
  const result = (id: string, content: unknown) => ({
    role: 'user',
    content: [block('tool_result', { tool_use_id: id, content })],
  });
  const answer = (id: string, content: object[]) => ({ role: 'assistant', id, model: 'some', content });

  it('is read with answers that stand in several records, results between them, and without sub-agents', async () => {
    const path = write(
      'claude.jsonl',
      { type: 'summary', summary: 'A title', leafUuid: 'u7' },
      { type: 'file-history-snapshot', messageId: 'x', snapshot: {} },
      claude('u1', null, 'user', { role: 'user', content: 'Read both.' }),
      claude('u2', 'u1', 'assistant', answer('m1', [block('thinking', { thinking: 'Two files.', signature: 's' })])),
      claude('u3', 'u2', 'assistant', answer('m1', [use('t1', 'a')])),
      claude('u4', 'u3', 'user', result('t1', 'AAA')),
      claude('u5', 'u3', 'assistant', answer('m1', [use('t2', 'b')])),
      claude('u6', 'u5', 'user', result('t2', [block('text', { text: 'BBB' }), block('image', { source: {} })])),
      claude('u7', 'u6', 'assistant', answer('m2', [block('text', { text: 'A and B.' })])),
      claude('u9', 'u1', 'user', { role: 'user', content: 'A sub-agent.' }, { isSidechain: true }),
    );
    const found = await readOne(path);
    expect(outline(found)).toEqual([
      'user Read both.',
      'assistant (Two files.)  t1=Read{"path":"a"} t2=Read{"path":"b"}',
      'tool AAA <t1',
      'tool BBB[image] <t2',
      'assistant A and B.',
    ]);
    expect(found.messages.map(({ at }) => at)[0]).toBe(Date.UTC(2026, 2, 1, 10, 0, 1));
  });

  it('is the branch that ends last: what was said before a question was asked anew is left out', async () => {
    const path = write(
      'branch.jsonl',
      claude('u1', null, 'user', { role: 'user', content: 'Hi' }),
      claude('u2', 'u1', 'assistant', answer('m1', [block('text', { text: 'Hello.' })])),
      claude('u3', 'u2', 'user', { role: 'user', content: 'A wrong turn' }),
      claude('u4', 'u3', 'assistant', answer('m2', [block('text', { text: 'Left behind.' })])),
      claude('u5', 'u2', 'user', { role: 'user', content: 'Another' }),
      claude('u6', 'u5', 'assistant', answer('m3', [block('text', { text: 'Kept.' })])),
    );
    expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.', 'user Another', 'assistant Kept.']);
  });

  it('is read through a compaction as it was before it, without the summary', async () => {
    const path = write(
      'compacted.jsonl',
      claude('u1', null, 'user', { role: 'user', content: 'Hi' }),
      claude('u2', 'u1', 'assistant', answer('m1', [block('text', { text: 'Hello.' })])),
      {
        type: 'system',
        subtype: 'compact_boundary',
        uuid: 'u3',
        parentUuid: null,
        logicalParentUuid: 'u2',
        version: '2.1.1',
      },
      claude('u4', 'u3', 'user', { role: 'user', content: 'This session goes on from…' }, { isCompactSummary: true }),
      claude('u5', 'u4', 'user', { role: 'user', content: 'Go on' }),
      claude('u6', 'u5', 'assistant', answer('m2', [block('text', { text: 'On.' })])),
    );
    expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.', 'user Go on', 'assistant On.']);
  });
});

it('a log that begins with records of kinds that came later is read from the first that is known', async () => {
  const message = { role: 'assistant', id: 'm', content: [{ type: 'text', text: 'Hello.' }] };
  const path = write(
    'newer.jsonl',
    { type: 'kind-of-tomorrow', title: 'Greeting' },
    { type: 'user', uuid: 'a', parentUuid: null, version: '2.1.0', message: { role: 'user', content: 'Hi' } },
    { type: 'assistant', uuid: 'b', parentUuid: 'a', version: '2.1.0', message },
  );
  expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.']);
});
