import type { Trial } from '../core/trial.ts';
import { Fault, Mismatch } from '../core/verdict.ts';
import { chat, type Message, user } from './dialect.ts';

/** One hit in so many tries is enough: a model may miss what it has read. */
const TRIES = 3;
const ANSWER_TOKENS = 32;

/** What plants a code word. Prompts that a real model answers, and one that only looks things up. */
export function tells(word: string, of = 'project'): string {
  return `The code word of the ${of} is ${word}.`;
}

export function asks(of = 'project'): Message {
  return user(`What is the code word of the ${of}? Reply with the code word only.`);
}

/** What the model says when it is asked for the code word, in a session where `request` names one. */
export async function recalled(trial: Trial<string>, request: object, of?: string): Promise<string> {
  const { model } = trial.target;
  const { choices } = await chat(trial.api, { model, messages: [asks(of)], max_tokens: ANSWER_TOKENS, ...request });
  const [choice] = choices;
  if (!choice) throw new Fault('a chat was answered without a choice');
  return choice.message.content;
}

/** @throws Mismatch where the code word does not come back */
export async function recalls(trial: Trial<string>, request: object, word: string, of?: string): Promise<void> {
  let said = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    said = await recalled(trial, request, of);
    if (said.includes(word)) return;
  }
  throw new Mismatch(`the model was told ${word} and does not know it: ${JSON.stringify(said.slice(0, 200))}`);
}

/** One answer is enough to tell: what must not be known may never be said. @throws Mismatch where the code word comes back */
export async function knowsNot(trial: Trial<string>, request: object, word: string, of?: string): Promise<void> {
  const said = await recalled(trial, request, of);
  if (said.includes(word)) throw new Mismatch(`the model must not know ${word}, and says it`);
}
