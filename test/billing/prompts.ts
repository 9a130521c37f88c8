import { Chains, type CountedMessage, type Prompt } from '../../emulator/billing/prefix-cache.ts';

/** What the template adds behind the messages. */
export const GENERATION_TOKENS = 3;

/** A message of so many tokens; the same name is the same text. */
export function message(name: string, tokens: number): CountedMessage {
  return { body: { role: 'user', content: name }, tokens };
}

export function promptOf(
  messages: readonly CountedMessage[],
  tools: { name: string; tokens: number } = { name: '', tokens: 0 },
): Prompt {
  const chains = new Chains();
  const declared = tools.name === '' ? [] : [{ type: 'function' as const, function: { name: tools.name } }];
  const size = messages.reduce((sum, { tokens }) => sum + tokens, 0);
  return {
    ...chains.open({ model: 'kimi-k3', tools: declared, tokens: tools.tokens }),
    messages: chains.grow(undefined, messages),
    tokens: tools.tokens + size + GENERATION_TOKENS,
  };
}
