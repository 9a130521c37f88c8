import * as z from 'zod';
import { type Limits, oncePerLimits } from './limits.ts';
import { inputMessages, Tool } from './messages.ts';

export * from './model-names.ts';

export const Model = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.literal('moonshot'),
    permission: z.array(z.looseObject({})).optional(),
    root: z.string().optional(),
    parent: z.string().optional(),
    context_length: z.int(),
    supports_image_in: z.boolean(),
    supports_video_in: z.boolean(),
    supports_reasoning: z.boolean(),
    supports_dynamic_tools: z.boolean().optional(),
    supports_thinking_type: z.enum(['only', 'both', 'no']).optional(),
    think_efforts: z
      .object({ support: z.boolean(), valid_efforts: z.array(z.string()), default_effort: z.string() })
      .optional(),
    reasoning_efforts: z.array(z.string()).optional(),
  })
  .meta({ id: 'Model' });

export const ModelList = z.object({ object: z.literal('list'), data: z.array(Model) }).meta({ id: 'ModelList' });

export const estimateRequest = oncePerLimits((limits: Limits) =>
  z.object({
    model: z.string().min(1),
    messages: inputMessages(limits),
    tools: z.array(Tool).max(limits.tools).nullish(),
  }),
);

export const TokenEstimate = z
  .object({ data: z.object({ total_tokens: z.int().min(0) }) })
  .meta({ id: 'TokenEstimate' });

export const Balance = z
  .object({
    code: z.literal(0),
    data: z.object({ available_balance: z.number(), voucher_balance: z.number(), cash_balance: z.number() }),
    scode: z.literal('0x0'),
    status: z.literal(true),
  })
  .meta({ id: 'Balance' });

export type Model = z.infer<typeof Model>;
export type EstimateRequest = z.infer<ReturnType<typeof estimateRequest>>;
export type Balance = z.infer<typeof Balance>;
