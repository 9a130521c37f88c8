import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { Model } from '../../../contract/models.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectShape, expectTrue } from '../../core/expect.ts';

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
  async run({ api, limits, target, check, require }) {
    const { model } = target;
    const reply = await api.get('/models');
    const list = List.safeParse(reply.json).data?.data ?? [];
    const entry = list.find(({ id }) => id === model);
    await require('shape', () => expectBody(reply, List));
    await check('lengths-told', () =>
      expectShape(z.array(z.looseObject({ context_length: z.int().min(1) })), list, 'the list of models'),
    );
    await require('model-listed', () => expectTrue(entry !== undefined, `${model} is not on the list`));
    await check('entry-complete', () => expectShape(Model, entry, `the entry of ${model}`));
    await check('window-told', () => expectEqual(entry?.context_length, limits.window_tokens, 'context_length'));
  },
});

const modelsById = defineCase({
  id: 'models.by-id',
  title: 'one model by its id',
  needs: ['models'],
  checks: { 'same-entry': 'models.by-id', 'alias-answered': 'chat.model-alias', 'unknown-refused': 'models.unknown' },
  cost: () => ({ requests: 4 }),
  async run({ api, target, check }) {
    const { model } = target;
    const read = async (id: string) => expectBody(await api.get(`/models/${id}`), z.looseObject({ id: z.string() }));
    await check('unknown-refused', async () => {
      const message = expectError(await api.get(`/models/${UNKNOWN}`), 'model_not_found');
      expectEqual(message, LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
    await check('same-entry', async () => {
      const { data } = expectBody(await api.get('/models'), List);
      expectEqual(
        await read(model),
        data.find(({ id }) => id === model),
        `the model ${model}`,
      );
    });
    await check('alias-answered', async () => expectEqual((await read('kimi-k2-0905')).id, 'kimi-k2-0905', 'id'));
  },
});

export const MODELS_CASES: readonly Case[] = [modelsList, modelsById];
