import type { Case } from '../../core/case.ts';
import { modelsById, modelsList } from './list.ts';

export const MODELS_CASES: readonly Case[] = [modelsList, modelsById];
