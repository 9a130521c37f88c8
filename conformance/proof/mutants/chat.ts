import type { Mutant } from '../mutant.ts';
import { ANSWER_MUTANTS } from './chat/answers.ts';
import { FORMAT_MUTANTS } from './chat/formats.ts';
import { PARAMETER_MUTANTS } from './chat/parameters.ts';

export const CHAT_MUTANTS: readonly Mutant[] = [...ANSWER_MUTANTS, ...PARAMETER_MUTANTS, ...FORMAT_MUTANTS];
