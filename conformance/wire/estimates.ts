import { TokenEstimate } from '../../contract/models.ts';
import { answered } from '../core/expect.ts';
import type { Trial } from '../core/trial.ts';
import type { Send } from './api.ts';
import type { Reply } from './reply.ts';
import { FRAME_TOKENS } from './sized-texts.ts';

/** A prompt to be counted, whatever becomes of it. Free of charge. */
export function sendEstimate(trial: Trial<string>, body: object, send?: Send): Promise<Reply> {
  return trial.api.post('/tokenizers/estimate-token-count', { model: trial.target.model, ...body }, send);
}

/** Tokens of a prompt by the target's counter. @throws Mismatch, Fault */
export async function estimated(trial: Trial<string>, body: object): Promise<number> {
  return answered(await sendEstimate(trial, body), TokenEstimate).data.total_tokens;
}

/** Tokens of a text alone. @throws Mismatch, Fault */
export async function textTokens(trial: Trial<string>, text: string): Promise<number> {
  return (await trial.texts.tokensOf(text)) - FRAME_TOKENS;
}
