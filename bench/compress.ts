/**
 * What a compress keeps, and what it costs: `npx tsx bench/compress.ts [natural | recall | speed] [seed]`. The
 * weights for planted facts were chosen on seeds 2 to 6, 11, 12 and 20261122; higher seeds are new to the engine.
 */
import { openTokenizer } from '../emulator/tokenizer.ts';
import { reportNatural } from './compress/natural.ts';
import { reportRecall } from './compress/recall.ts';
import { reportSpeed } from './compress/speed.ts';

const [, , only, seed = '2'] = process.argv;
const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();
console.log(`## compress, counted by ${tokenizer.name}\n`);
if (only === undefined || only === 'natural') await reportNatural(tokenizer, Number(seed));
if (only === undefined || only === 'recall') await reportRecall(tokenizer, Number(seed));
if (only === undefined || only === 'speed') await reportSpeed(tokenizer);
