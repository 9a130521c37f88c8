/**
 * What a compress keeps, and what it costs: `npx tsx bench/compress.ts [recall | speed] [seed]`. The weights of the
 * engine were chosen on seeds 20261122, 2 to 6, 11 and 12; higher seeds are new to it.
 */
import { openTokenizer } from '../emulator/tokenizer.ts';
import { reportRecall } from './compress/recall.ts';
import { reportSpeed } from './compress/speed.ts';

const [, , only, seed = '2'] = process.argv;
const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();
console.log(`## compress, counted by ${tokenizer.name}\n`);
if (only !== 'speed') await reportRecall(tokenizer, Number(seed));
if (only !== 'recall') await reportSpeed(tokenizer);
