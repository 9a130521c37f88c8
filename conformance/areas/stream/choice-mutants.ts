import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler } from '../../proof/proxy.ts';
import { editEachChunk, editEachEvent, isEvents, type Json } from '../../proof/proxy.ts';
import { streamChoices } from './choice-cases.ts';

/** Streams of several choices of which the first, or the last, is not as it should be. */

const mutant = mutantsOf('stream', { choices, whole });
const NAMES = Object.keys(streamChoices.checks);
const caught = (part: string, isIt: (name: string) => boolean = () => true) =>
  NAMES.filter((name) => name.endsWith(`-${part}`) && isIt(name)).map((name) => `stream.choices/${name}`);

interface Choice extends Json {
  index: number;
  delta: Json;
  finish_reason: string | null;
}

/** Changes the choices of all chunks of streams that have several. */
function choices(edit: (choice: Choice, place: { first: boolean }) => Choice[]): Handler {
  return async (request, forward) => {
    const response = await forward();
    const { n } = (request.body ?? {}) as { n?: number };
    if (!isEvents(response) || !n || n < 2) return response;
    return editEachChunk((chunk) => {
      const [choice] = chunk.choices as Choice[];
      if (!choice) return [chunk];
      return edit(choice, { first: choice.index === 0 }).map((changed) => ({ ...chunk, choices: [changed] }));
    })(request, () => Promise.resolve(response));
  };
}

/** Changes the chunk that counts all. */
function whole(edit: (chunk: Json) => Json[]): Handler {
  return editEachChunk((chunk) => ((chunk.choices as unknown[]).length === 0 ? edit(chunk) : [chunk]));
}

export const CHOICE_MUTANTS: readonly Mutant[] = [
  mutant('usage-on-last-choice', 'only the last of several choices has a usage')
    .caughtBy(...caught('usage-of-each'))
    .choices(
      ({ usage, ...choice }, { first }) => [first || usage === undefined ? choice : { ...choice, usage }] as Choice[],
    ),
  mutant('usage-on-first-choice', 'only the first of several choices has a usage')
    .caughtBy(...caught('usage-of-each'))
    .choices(
      ({ usage, ...choice }, { first }) => [first && usage !== undefined ? { ...choice, usage } : choice] as Choice[],
    ),
  mutant('prompt-per-choice', 'the usage of all counts the prompt once for each choice')
    .caughtBy(...caught('usage-of-all', (name) => name.includes('with-usage')))
    .whole((chunk) => {
      const usage = chunk.usage as Record<string, number>;
      const prompt_tokens = 2 * (usage.prompt_tokens ?? 0);
      return [
        {
          ...chunk,
          usage: { ...usage, prompt_tokens, total_tokens: prompt_tokens + (usage.completion_tokens ?? 0) },
        },
      ];
    }),
  mutant('usage-chunk-unasked', 'several choices end with a chunk without choices, asked for or not')
    .caughtBy(...caught('usage-of-all', (name) => !name.includes('with-usage')))
    .proxy(() => async (request, forward) => {
      const response = await forward();
      if (!isEvents(response)) return response;
      return editEachEvent((data) => (data === '[DONE]' ? ['{"choices":[],"usage":{}}', data] : [data]))(request, () =>
        Promise.resolve(response),
      );
    }),
  mutant('role-on-first-choice', 'only the first of several choices has a role')
    .caughtBy(...caught('role-first'))
    .choices((choice, { first }) => {
      const { role: _, ...delta } = choice.delta;
      return [first ? choice : { ...choice, delta }];
    }),
  mutant('finish-on-first-choice', 'only the first of several choices has a finish chunk')
    .caughtBy(...caught('one-finish'))
    .choices((choice, { first }) => (first || choice.finish_reason === null ? [choice] : [])),
  mutant('second-choice-empty', 'all but the first of several choices say nothing')
    .caughtBy(...caught('whole'))
    .choices((choice, { first }) => [
      first ? choice : { ...choice, delta: { ...(choice.delta.role ? { role: 'assistant' } : {}) } },
    ]),
  mutant('choices-from-one', 'several choices are numbered from 1')
    .caughtBy(...caught('in-order'))
    .choices((choice) => [{ ...choice, index: choice.index + 1 }]),
];
