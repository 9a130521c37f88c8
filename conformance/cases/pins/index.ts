import type { Case } from '../../core/case.ts';
import { pinsAtWriting, pinsInTurn } from './at-writing.ts';
import { pinsChange } from './change.ts';
import { pinsGroup, pinsSurvive } from './survive.ts';

export const PINS_CASES: readonly Case[] = [pinsAtWriting, pinsInTurn, pinsChange, pinsSurvive, pinsGroup];
