import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readTranscripts, simulate } from '../../emulator/simulate/index.ts';
import { requireShared } from '../support/shared.ts';
import { outline } from './outline.ts';

/** Files with the facts of real ones: `logs/README.md` says of which. */
const LOGS = fileURLToPath(new URL('logs/', import.meta.url));

/** What a model was told by each, as somebody reads it who opens the file. */
const EXPECTED: Record<string, string[]> = {
  'claude-code-2.1.51.jsonl': [
    'user Go back to the newest commit of the main branch.',
    'assistant (Check the branch out first.)  toolu_1=Bash{"command":"git checkout main","description":"Switch to the main branch"}',
    "tool Switched to branch 'main'\nM\t.gitignore <toolu_1",
    'assistant The local branch is 8 commits behind. Shall I pull?',
    'user Pull.',
    'assistant Pulled: 8 commits, fast-forward.',
  ],
  // The branch that was left is not there; what the compaction replaced is, and what it kept stands there once.
  'claude-code-2.1.0-compacted.jsonl': [
    'user Name three ports.',
    'assistant Which sea?',
    'user The North Sea.',
    'assistant Hull, Esbjerg, Emden.',
    'user Which is the largest?',
    'assistant Hull, by tonnage.',
    'user And the smallest?',
    'assistant Emden.',
  ],
  'claude-code-2.1.173-subagent.jsonl': ['user Survey src and report its layout.', 'assistant One folder a feature.'],
  // The instructions of the head are the user's, and stand in the first message.
  'codex-0.77.0.jsonl': [
    'user # AGENTS.md instructions for /home/dev/shop\n\n<INSTRUCTIONS>\n## Rules\nWrite short functions.\n</INSTRUCTIONS>',
    'user <environment_context>\n  <cwd>/home/dev/shop</cwd>\n</environment_context>',
    'user Is the plan clear enough?',
    'assistant (List the files.)  call-1=exec_command{"cmd":"ls"}',
    'tool plan.md <call-1',
    'assistant It is.',
  ],
  'codex-0.159.0.jsonl': [
    'system You are an agent.',
    'system <permissions instructions>sandboxed</permissions instructions>',
    'user # AGENTS.md instructions for /work\n\nBe brief.<environment_context>\n  <cwd>/work</cwd>\n</environment_context>',
    'user [input_image]Why does the build fail?',
    'assistant (Build it first.) I build it. call_1=exec_command{"cmd":"make"} call_2=get_ticket{"id":7}',
    'tool Process exited with code 2\nNo rule <call_1',
    'tool ticket 7[input_image] <call_2',
    'assistant  call_3=apply_patch{"input":"*** Begin Patch"}',
    'tool Success. <call_3',
    'assistant A rule was missing.',
  ],
  'kimi-cli-context.jsonl': [
    'user The remainder of the transformer ignores its output setting. Repair it.',
    'assistant I look at it first. Think:0=Think{"thought": "The setting reaches the parts, not the remainder."}',
    'tool <system>Thought logged</system> <Think:0',
    'assistant  Bash:1=Bash{"command": "python reproduce.py"}',
    'tool <system>Command executed successfully.</system>dtypes: int64 <Bash:1',
    'assistant Confirmed: the remainder is left out.',
  ],
  // The answer is told by its parts, and once more whole.
  'kimi-code-wire-1.1.jsonl': ['system You are an agent.', 'user good morning', 'assistant and to you'],
  // A step goes on behind the result of its first call; the poem was undone; after a clear another history begins.
  'kimi-code-wire-1.5.jsonl#1': [
    'system You are an agent.',
    'user fix the parser',
    'user <system-reminder>be brief</system-reminder>',
    'assistant (Two files.) I read both. call_01=Read{"path":"a.ts"} call_02=Read{"path":"b.ts"}',
    'tool AAA <call_01',
    'tool BBB <call_02',
    'assistant Mended.',
    'user run the tests',
    'assistant All pass.',
  ],
  'kimi-code-wire-1.5.jsonl#2': ['system You are an agent.', 'user a new question', 'assistant A new answer.'],
};

const readAll = () => readTranscripts([LOGS], (line) => expect.fail(line));

describe('a log with the facts of a real one', () => {
  it.each(Object.entries(EXPECTED))('%s is read as its agent had it', async (name, lines) => {
    const found = (await readAll()).find((one) => one.name === name);
    expect(found && outline(found)).toEqual(lines);
  });

  it('is in the folder once, with its times where it has any', async () => {
    const found = await readAll();
    expect(found.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
    const times = Object.fromEntries(found.map(({ name, messages }) => [name, messages.map(({ at }) => at)]));
    expect(times['kimi-cli-context.jsonl']).toEqual(Array.from({ length: 6 }, () => undefined));
    expect(times['claude-code-2.1.51.jsonl']?.[0]).toBe(Date.UTC(2026, 1, 24, 5, 44, 3, 794));
    expect(times['codex-0.77.0.jsonl']?.at(-1)).toBe(Date.UTC(2025, 11, 28, 12, 18, 48, 533));
    expect(times['kimi-code-wire-1.1.jsonl']?.at(-1)).toBe(1_779_256_800_200);
  });

  it('is replayed: each under every policy, to its last round', async () => {
    const transcripts = await readAll();
    const found = await simulate({ transcripts, tokenizer: 'o200k_base' });
    const rounds = transcripts.map(({ messages }) => messages.filter(({ role }) => role === 'assistant').length);
    expect(found.transcripts.map((one) => one.rounds)).toEqual(rounds);
    expect(found.rows.flatMap(({ ended }) => ended)).toEqual([]);
    // Nothing had to be left out or filled in.
    expect(found.transcripts.flatMap(({ notes }) => notes)).toEqual([]);
  });
});

it('real conversations of a benchmark are replayed to the last round', async (context) => {
  const path = requireShared(context, 'dialogues');
  const transcripts = (await readTranscripts([path])).slice(0, 5);
  expect(transcripts[0]?.name).toBe(`${basename(path)}#1`);
  const { rows } = await simulate({
    transcripts,
    policies: ['none'],
    plant: 0,
    natural: 5,
    tokenizer: 'o200k_base',
  });
  const answers = transcripts.flatMap(({ messages }) => messages.filter(({ role }) => role === 'assistant'));
  expect(rows.at(-1)).toMatchObject({ rounds: answers.length, ended: [] });
});
