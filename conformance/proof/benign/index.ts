import { ANSWER_VARIANTS } from './answers.ts';
import { STREAM_VARIANTS } from './streams.ts';
import type { Variant } from './variant.ts';

/** Servers on which no check may fail. */
export const BENIGN: readonly Variant[] = [...ANSWER_VARIANTS, ...STREAM_VARIANTS];
