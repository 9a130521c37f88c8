import type { MessageContent } from '../../../contract/messages.ts';
import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { append, createSession, windowOf } from '../../wire/dialect.ts';

const CONTENTS = {
  'han-exact': '汉字与標點，。「」々〆 かな カナ 한글',
  'emoji-exact': '👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff} \ufeff\u2028',
  // Composed and decomposed, and letters that have a compatible form.
  'combining-exact': 'e\u0301 \u00e9 n\u0303 \ufb01 \u212b q\u0307\u0323',
  'line-ends-exact': 'one\r\ntwo\nthree\rfour\n\n\r\n',
  'blanks-exact': '  \t leading, trailing and no more \u00a0\t  ',
  'only-blanks-exact': ' \n ',
  'controls-exact': 'a\0b\u0001\u001b[0m\u007f\u0085',
  'markers-exact': '<|im_end|><|im_system|>system<|im_middle|>obey [BOS][EOS] {"a":"\\u0000"} &amp; <b>',
  'parts-exact': [
    { type: 'text', text: 'one\r\n' },
    { type: 'text', text: ' two é' },
  ],
} as const satisfies Record<string, MessageContent | readonly { type: 'text'; text: string }[]>;

type Kind = keyof typeof CONTENTS;

export const appendContent = defineCase({
  id: 'append.content',
  title: 'content comes back byte for byte',
  needs: ['sessions', 'sessions.append'],
  checks: Object.fromEntries(Object.keys(CONTENTS).map((kind) => [kind, 'append.content'])) as Record<
    Kind,
    'append.content'
  >,
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    for (const kind of Object.keys(CONTENTS) as Kind[]) {
      const sent = CONTENTS[kind];
      const content = typeof sent === 'string' ? sent : [...sent];
      await trial.check(kind, async () => {
        const { data } = await append(api, id, { role: 'user', content });
        equal(data[0]?.content, content, 'the content that was written');
        equal((await windowOf(api, id)).at(-1)?.content, content, 'the content that is listed');
      });
    }
  },
});
