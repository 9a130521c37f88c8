import { defineCase } from '../../core/case.ts';
import { chats, complete, orders, refusedChat, within3 } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';

const FEW = 8;

export const chatPartial = defineCase({
  id: 'chat.partial',
  title: 'an answer that is begun is gone on with',
  needs: ['chat', 'chat.partial'],
  checks: {
    'continuation-only': 'chat.partial',
    'name-accepted': 'chat.partial-name',
    'after-length': 'chat.partial-after-length',
    'elsewhere-refused': 'chat.partial-last',
  },
  cost: chats(11),
  async run(trial) {
    const [first, second, third] = [trial.nonce(), trial.nonce(), trial.nonce()];
    const messages = orders(`${first} ${second}`);
    const begun = { role: 'assistant', content: first, partial: true };
    await trial.check('continuation-only', () =>
      within3(async () => {
        const { text } = await complete(trial, { messages: [...messages, begun] });
        if (text.includes(first)) return `the answer repeats its beginning: ${text}`;
        return text.includes(second) ? undefined : `the answer does not go on: ${text}`;
      }),
    );
    await trial.check('name-accepted', () =>
      complete(trial, { messages: [...messages, { ...begun, name: 'Kelvin' }] }),
    );
    await trial.check('after-length', () =>
      within3(async () => {
        const phrase = `${first} ${second} ${third}`;
        const cut = await complete(trial, { messages: orders(phrase), max_tokens: FEW });
        if (cut.choice.finish_reason !== 'length') return `${FEW} tokens do not cut the answer: ${cut.text}`;
        const rest = await complete(trial, { messages: [...orders(phrase), { ...begun, content: cut.text }] });
        if (rest.text.includes(phrase)) return `the answer begins anew: ${rest.text}`;
        const joined = cut.text + rest.text;
        return joined.includes(phrase) ? undefined : `the parts do not join: ${JSON.stringify([cut.text, rest.text])}`;
      }),
    );
    await trial.check('elsewhere-refused', () =>
      refusedChat(trial, { messages: [...messages, begun, user('Go on.')] }),
    );
  },
});
