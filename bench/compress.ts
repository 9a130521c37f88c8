/**
 * What a compress keeps, and what it costs: `npx tsx bench/compress.ts [recall | speed]`.
 */
import { openTokenizer } from '../emulator/tokens/open-tokenizer.ts';
import { reportRecall } from './compress/recall.ts';
import { reportSpeed } from './compress/speed.ts';

const only = process.argv[2];
const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();
console.log(`## compress, counted by ${tokenizer.name}\n`);
if (only !== 'speed') await reportRecall(tokenizer);
if (only !== 'recall') await reportSpeed(tokenizer);
