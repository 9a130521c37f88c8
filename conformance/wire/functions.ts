import { z } from 'zod';
import { user } from './dialect.ts';

/** A function to be called, and a request that has it called. */

const NAME = 'get_forecast';

/** A function without parameters. */
export function declared(name: string): object {
  return { type: 'function', function: { name, parameters: { type: 'object', properties: {} } } };
}

const FORECAST = {
  type: 'function',
  function: {
    name: NAME,
    description: 'Tells the forecast for a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
      required: ['city', 'days'],
    },
  },
};

/** What fits the parameters of the forecast. */
export const ForecastArguments = z.looseObject({ city: z.string(), days: z.int().min(1).max(7) });

/** Has the forecast called by whoever does as he is told. */
export const ASKING_FOR_A_CALL = {
  messages: [user(`Call ${NAME} for the city Berlin and 3 days.`)],
  tools: [FORECAST],
};
export const CALLED = NAME;

const Call = z.looseObject({
  index: z.unknown().optional(),
  id: z.unknown().optional(),
  type: z.unknown().optional(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});
export type Call = z.infer<typeof Call>;

/** The calls of a message; none where they are no calls. */
export function callsOf(message: { tool_calls?: unknown }): Call[] {
  return z.array(Call).safeParse(message.tool_calls).data ?? [];
}

/** Undefined where a text is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
