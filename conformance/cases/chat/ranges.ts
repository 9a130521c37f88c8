import type { WireClauseId } from '../../../contract/clauses.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { chats, complete, refusedChat } from '../../wire/completions.ts';

interface Range {
  field: string;
  clause: WireClauseId;
  least: number;
  most: number;
}

const RANGES: readonly Range[] = [
  { field: 'temperature', clause: 'chat.temperature', least: 0, most: 1 },
  { field: 'top_p', clause: 'chat.top-p', least: 0, most: 1 },
  { field: 'presence_penalty', clause: 'chat.presence-penalty', least: -2, most: 2 },
  { field: 'frequency_penalty', clause: 'chat.frequency-penalty', least: -2, most: 2 },
];
const BEYOND = 0.1;

/** One case for each parameter that has a range. */
export const chatRanges: readonly Case[] = RANGES.map(({ field, clause, least, most }) =>
  defineCase({
    id: clause,
    title: `${field} is ${least} to ${most}`,
    needs: ['chat'],
    checks: { 'bounds-accepted': clause, 'more-refused': clause, 'less-refused': clause },
    cost: chats(4),
    async run(trial) {
      await trial.check('more-refused', () => refusedChat(trial, { [field]: most + BEYOND }));
      await trial.check('less-refused', () => refusedChat(trial, { [field]: least - BEYOND }));
      await trial.check('bounds-accepted', async () => {
        for (const bound of [least, most]) await complete(trial, { [field]: bound });
      });
    },
  }),
);
