import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../../contract/messages.ts';
import { messageTokens } from '../../../emulator/engines/tokens/prompt.ts';
import { earlierSummary, sources, summarise, tokenizer } from './windows.ts';

interface Dialogue {
  readonly messages: readonly ChatMessage[];
  readonly facts: readonly { readonly keywords: readonly string[] }[];
}

const file = new URL('../../../../shared/data/long-dialogue.json', import.meta.url);
if (!existsSync(file)) console.warn(`SKIPPED: no dialogue at ${file.pathname}`);

/** Whether all words stand within 300 characters. */
function standTogether(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase();
  const [first = '', ...others] = words.map((word) => word.toLowerCase());
  for (let at = lower.indexOf(first); at !== -1; at = lower.indexOf(first, at + 1)) {
    const near = lower.slice(Math.max(0, at - 300), at + 300);
    if (!others.every((word) => near.includes(word))) continue;
    for (let start = Math.max(0, at + first.length - 300); start <= at; start++) {
      const stretch = lower.slice(start, start + 300);
      if (others.every((word) => stretch.includes(word))) return true;
    }
  }
  return false;
}

describe.skipIf(!existsSync(file))('facts that people said in passing, in a dialogue that nobody here wrote', () => {
  const { messages, facts } = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Dialogue)
    : { messages: [], facts: [] };
  const tokens = messages.reduce((sum, message) => sum + messageTokens(tokenizer, message), 0);
  const kept = (text: string) => facts.filter(({ keywords }) => standTogether(text, keywords)).length;
  const whole = kept(messages.map(({ content }) => content).join('\n'));
  const users = kept(
    messages
      .filter(({ role }) => role === 'user')
      .map(({ content }) => content)
      .join('\n'),
  );

  it('stand together after 4:1 more often than in the messages of the user alone', async () => {
    const { content } = await summarise(sources(messages), { maxTokens: Math.floor(tokens / 4) });
    expect(kept(content)).toBeGreaterThanOrEqual(0.85 * whole);
    expect(kept(content)).toBeGreaterThanOrEqual(users + 0.08 * facts.length);
  });

  it('stand together after 4:1 in lower case, in words of no language, and in another order', async () => {
    const inOtherLetters = (text: string) =>
      text.replace(
        /[a-z]/g,
        (letter) => 'iaueocrtnspdlmvkfgbjhqzxyw'['uoiaebcdfghjklmnpqrstvwxyz'.indexOf(letter)] ?? '',
      );
    for (const change of [(text: string) => text.toLowerCase(), (text: string) => inOtherLetters(text.toLowerCase())]) {
      const turned = [...messages.slice(400), ...messages.slice(0, 400)];
      const changed = turned.map(({ role, content }) => ({ role, content: change(String(content)) }) as ChatMessage);
      const maxTokens = Math.floor(changed.reduce((sum, message) => sum + messageTokens(tokenizer, message), 0) / 4);
      const { content } = await summarise(sources(changed), { maxTokens });
      const stands = facts.filter(({ keywords }) => standTogether(content, keywords.map(change))).length;
      expect(stands).toBeGreaterThanOrEqual(0.85 * whole);
    }
  });

  it('stand together after 8:1, and after three rounds of 2:1', async () => {
    const { content } = await summarise(sources(messages), { maxTokens: Math.floor(tokens / 8) });
    expect(kept(content)).toBeGreaterThanOrEqual(0.78 * whole);
    let summary = await summarise(sources(messages), { maxTokens: Math.floor(tokens / 2), snapshotId: 'snap_1' });
    for (const parts of [4, 8]) {
      const options = { maxTokens: Math.floor(tokens / parts), snapshotId: `snap_${parts}` };
      summary = await summarise([earlierSummary(summary.content)], options);
    }
    expect(kept(summary.content)).toBeGreaterThanOrEqual(0.8 * whole);
  });
});
