import type { Case } from '../../core/case.ts';
import { toolsCall, toolsResult } from './call.ts';
import { toolsChoice } from './choice.ts';
import { toolsMost, toolsName } from './declared.ts';
import { toolsPairing } from './pairing.ts';

export const TOOLS_CASES: readonly Case[] = [toolsCall, toolsResult, toolsChoice, toolsPairing, toolsName, toolsMost];
