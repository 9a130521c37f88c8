import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { Model } from '../../../contract/models.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, shaped } from '../../core/expect.ts';

const List = z.object({ object: z.literal('list'), data: z.array(z.looseObject({ id: z.string().min(1) })).min(1) });

const UNKNOWN = 'kimi-conformance-no-such-model';

const modelsList = defineCase({
  id: 'models.list',
  title: 'the list of models, and the model on it',
  needs: ['models'],
  checks: {
    shape: 'models.list',
    'model-listed': 'models.offered',
    'entry-complete': 'models.entry',
    'lengths-told': 'models.context-length',
    'window-told': 'models.window',
  },
  cost: () => ({ requests: 1 }),
  async run(trial) {
    const { model } = trial.target;
    const reply = await trial.api.get('/models');
    const list = List.safeParse(reply.json).data?.data ?? [];
    const entry = list.find(({ id }) => id === model);
    await trial.need('shape', () => answered(reply, List));
    await trial.check('lengths-told', () =>
      shaped(z.array(z.looseObject({ context_length: z.int().min(1) })), list, 'the list of models'),
    );
    await trial.need('model-listed', () => holds(entry !== undefined, `${model} is not on the list`));
    await trial.check('entry-complete', () => shaped(Model, entry, `the entry of ${model}`));
    await trial.check('window-told', () => equal(entry?.context_length, trial.limits.window_tokens, 'context_length'));
  },
});

const modelsById = defineCase({
  id: 'models.by-id',
  title: 'one model by its id',
  needs: ['models'],
  checks: { 'same-entry': 'models.by-id', 'alias-answered': 'models.by-id', 'unknown-refused': 'models.unknown' },
  cost: () => ({ requests: 4 }),
  async run(trial) {
    const { model } = trial.target;
    const read = async (id: string) =>
      answered(await trial.api.get(`/models/${id}`), z.looseObject({ id: z.string() }));
    await trial.check('unknown-refused', async () => {
      const message = refused(await trial.api.get(`/models/${UNKNOWN}`), 'model_not_found');
      equal(message, LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
    await trial.check('same-entry', async () => {
      const { data } = answered(await trial.api.get('/models'), List);
      equal(
        await read(model),
        data.find(({ id }) => id === model),
        `the model ${model}`,
      );
    });
    await trial.check('alias-answered', async () => equal((await read('kimi-k2-0905')).id, 'kimi-k2-0905', 'id'));
  },
});

export const MODELS_CASES: readonly Case[] = [modelsList, modelsById];
