import { askedFor, type Choice, charged, choices, history, mutantsOf, onChat, said } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';

const chat = mutantsOf('chat');

export const ANSWER_MUTANTS: readonly Mutant[] = [
  chat(
    'object-of-completions',
    'an answer calls itself `text_completion`',
    ['chat.shape/completion'],
    said((answer) => ({ ...answer, object: 'text_completion' })),
  ),
  chat(
    'no-id',
    'an answer has no id',
    ['chat.shape/completion'],
    said(({ id: _, ...answer }) => answer),
  ),
  chat(
    'created-in-milliseconds',
    'the time is in milliseconds',
    ['chat.shape/created-in-seconds'],
    said((answer) => ({ ...answer, created: (answer.created as number) * 1_000 })),
  ),
  chat(
    'no-finish-reason',
    'an answer has no finish_reason',
    ['chat.shape/choice', 'chat.length/cut-says-length', 'chat.length/whole-says-stop'],
    choices(({ finish_reason: _, ...choice }) => choice),
  ),
  chat(
    'content-in-parts',
    'the content of an answer is a list of parts',
    ['chat.shape/choice'],
    choices((choice) => ({
      ...choice,
      message: { ...choice.message, content: [{ type: 'text', text: choice.message.content }] },
    })),
  ),
  chat(
    'total-of-completion',
    'the total of a usage leaves the prompt out',
    ['chat.shape/usage-sum'],
    charged((usage) => ({ ...usage, total_tokens: usage.completion_tokens })),
  ),
  chat(
    'no-usage',
    'an answer has no usage',
    ['chat.shape/completion', 'chat.shape/usage-sum'],
    said(({ usage: _, ...answer }) => answer),
  ),
  chat(
    'model-of-its-own',
    'an answer names the model as the server calls it',
    ['chat.shape/model-echoed', 'chat.alias/echoed'],
    said((answer) => ({ ...answer, model: 'kimi-k2-instruct-0905' })),
  ),
  chat(
    'alias-resolved',
    'an answer names the model that the alias stands for',
    ['chat.alias/echoed'],
    said((answer) => ({ ...answer, model: 'kimi-k2-0905-preview' })),
  ),
  chat(
    'alias-unknown',
    'the short name of the model is unknown',
    ['chat.alias/accepted'],
    askedFor('model', (model: string) => (model === 'kimi-k2-0905' ? 'kimi-k2-none' : model)),
  ),
  chat(
    'cached-zero',
    'a usage says that 0 tokens were cached',
    ['chat.cache/tokens-sound'],
    charged((usage) => ({ ...usage, cached_tokens: 0 })),
  ),
  chat(
    'cached-in-blocks',
    'cached tokens are rounded up to blocks, beyond the prompt',
    ['chat.cache/tokens-sound'],
    charged((usage) => ({ ...usage, cached_tokens: Math.ceil((usage.prompt_tokens + 1) / 256) * 256 })),
  ),
  chat(
    'cache-key-unknown',
    'a request with a field that the server does not know is refused',
    ['chat.cache/key-accepted'],
    askedFor('prompt_cache_key', () => 7),
  ),
  chat(
    'last-message-only',
    'the model reads the last message only',
    ['chat.history/system-read', 'chat.history/earlier-read', 'tools.result/read'],
    history((messages, { tools }) => (tools ? messages.filter(({ role }) => role === 'user') : messages.slice(-1))),
  ),
  chat(
    'system-dropped',
    'system messages do not reach the model',
    ['chat.history/system-read'],
    history((messages) => messages.filter(({ role }) => role !== 'system')),
  ),
  chat('remembers', 'requests of one key are one conversation', ['chat.history/nothing-kept'], () => {
    const earlier: unknown[] = [];
    return onChat((body, forward) => {
      const messages = Array.isArray(body.messages) ? body.messages : [];
      earlier.push(...messages);
      return forward({ body: messages.length > 0 ? { ...body, messages: earlier } : body });
    })();
  }),
  chat(
    'empty-history-greeted',
    'a request without messages is answered all the same',
    ['chat.messages/none-refused'],
    history((messages) => (messages.length === 0 ? [{ role: 'user', content: 'Hello' }] : messages)),
  ),
  chat(
    'any-role',
    'a role that does not exist is taken for the user',
    ['chat.messages/unknown-role-refused'],
    history((messages) =>
      messages.map((message) => (message.role === 'robot' ? { ...message, role: 'user' } : message)),
    ),
  ),
  chat(
    'choices-unnumbered',
    'every choice has the index 0',
    ['chat.n/numbered'],
    choices((choice) => ({ ...choice, index: 0 })),
  ),
  chat(
    'prompt-per-choice',
    'the prompt is charged for each choice',
    ['chat.n-usage/prompt-once'],
    charged((usage, answer) => {
      const prompt_tokens = usage.prompt_tokens * (answer.choices as Choice[]).length;
      return { ...usage, prompt_tokens, total_tokens: prompt_tokens + usage.completion_tokens };
    }),
  ),
  chat(
    'first-choice-charged',
    'only the first of several answers is charged',
    ['chat.n-usage/answers-summed'],
    charged((usage, answer) => {
      const completion_tokens = Math.floor(usage.completion_tokens / (answer.choices as Choice[]).length);
      return { ...usage, completion_tokens, total_tokens: usage.prompt_tokens + completion_tokens };
    }),
  ),
];
