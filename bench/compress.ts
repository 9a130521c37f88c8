/**
 * What a compress keeps, and what it costs: `npx tsx bench/compress.ts [natural | variations | recall | speed] [seed]`; of
 * sessions of your own: `npx tsx bench/compress.ts transcripts FILE|FOLDER …`. The weights for planted facts were chosen on seeds
 * 2 to 6, 11, 12, 31 and 20261122; other seeds are new to the engine.
 */
import { openTokenizer } from '../emulator/tokenizer.ts';
import { reportNatural } from './compress/natural.ts';
import { reportRecall } from './compress/recall.ts';
import { reportSpeed } from './compress/speed.ts';
import { reportTranscripts } from './compress/transcripts.ts';
import { reportVariations } from './compress/variations.ts';

const [, , only, ...rest] = process.argv;
const [seed = '2'] = rest;
const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();
console.log(`## compress, counted by ${tokenizer.name}\n`);
if (only === undefined || only === 'natural') await reportNatural(tokenizer, Number(seed));
if (only === undefined || only === 'recall') await reportRecall(tokenizer, Number(seed));
if (only === undefined || only === 'speed') await reportSpeed(tokenizer);
if (only === undefined || only === 'variations') await reportVariations(tokenizer, Number(seed));
if (only === 'transcripts') await reportTranscripts(rest, tokenizer, 2);
