import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { LIMIT_NAMES } from '../../contract/limits.ts';
import { CURRENCIES } from '../../contract/prices.ts';
import { isPrice } from '../billing/ledger.ts';
import { JOURNAL_VERSION, type JournalFile } from '../journal/journal-file.ts';

/** Why a journal cannot be read, in one line. */
export class JournalReadError extends Error {}

const LEAST = { object: z.literal('emulator.journal'), version: z.int().min(1) };
const Header = z.looseObject(LEAST);

const tokens = z.number();
const ids = z.array(z.string()).optional();
const Turn = z.looseObject({
  model: z.string(),
  usage: z.looseObject({ prompt_tokens: tokens, completion_tokens: tokens, cached_tokens: tokens.optional() }),
  max_tokens: tokens.nullable(),
  calls: ids,
  called: ids,
  finish_reasons: z.array(z.string()),
  only_reasoned: z.boolean().optional(),
  prompt: z.looseObject({ tools: tokens, effort: z.string().optional(), messages: tokens, length: tokens }).optional(),
});
/** The effects that rules read. */
const Facts = z.looseObject({
  created: z.looseObject({ session: z.string() }).optional(),
  wrote: z.looseObject({ messages: tokens, tokens, total: tokens, opened: ids, answered: ids }).optional(),
  turn: Turn.optional(),
  snapshot: z.looseObject({ id: z.string(), preserve_len: tokens.nullable() }).optional(),
  deleted: z.looseObject({ session: z.string().optional() }).optional(),
});
const text = z.string().optional();
const Entry = z.looseObject({
  n: z.int(),
  at: z.number(),
  method: z.string(),
  path: z.string(),
  status: z.int(),
  session: text,
  code: text,
  retry_after: tokens.optional(),
  hint: text,
  ignored: text,
  model: text,
  max_tokens: tokens.optional(),
  declared: z.looseObject({ tools: z.array(z.unknown()).optional() }).optional(),
  results: z.array(z.looseObject({ id: z.string(), result: z.string(), call: text })).optional(),
  repeated: z.looseObject({ name: z.string(), times: z.int() }).optional(),
  request: text,
  answer: text,
  usage: Turn.shape.usage.optional(),
  streamed: z.looseObject({ events: z.int(), ended: text }).optional(),
  facts: Facts,
});
const figure = z.number().refine(isPrice);
const PriceRow = z.looseObject({
  model: z.string(),
  currency: z.enum(CURRENCIES),
  cached_input: figure,
  input: figure,
  output: figure,
  since: z.string(),
  source: z.string(),
});
const File = z.looseObject({
  ...LEAST,
  dropped: z.int().min(0),
  configuration: z.looseObject({
    limits: z.looseObject(Object.fromEntries(LIMIT_NAMES.map((name) => [name, tokens]))),
    clock: z.enum(['system', 'own']).optional(),
    prices: z.array(PriceRow).optional(),
  }),
  entries: z.array(Entry),
});

/**
 * Reads the journal of a running emulator, by its URL, or from a file.
 * @param controlKey of an emulator that asks for one
 * @throws JournalReadError in one line
 */
export async function readJournal(source: string, controlKey?: string): Promise<JournalFile> {
  const json = /^https?:\/\//i.test(source) ? await fetchJournal(source, controlKey) : await readFileText(source);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new JournalReadError(`${source} is not a journal: it is not JSON`);
  }
  const header = Header.safeParse(value);
  if (!header.success) throw new JournalReadError(`${source} is not a journal of an emulator`);
  if (header.data.version > JOURNAL_VERSION) {
    throw new JournalReadError(
      `${source} was written by a newer kimi-emulator (journal version ${header.data.version}, this one reads ${JOURNAL_VERSION})`,
    );
  }
  const file = File.safeParse(value);
  if (file.success) return value as JournalFile;
  const [issue] = file.error.issues;
  throw new JournalReadError(`${source} is a damaged journal: ${issue?.path.join('.')}: ${issue?.message}`);
}

async function fetchJournal(url: string, controlKey?: string): Promise<string> {
  if (!URL.canParse(url)) throw new JournalReadError(`${url} is not a URL`);
  const { origin } = new URL(url);
  try {
    const headers = controlKey === undefined ? {} : { Authorization: `Bearer ${controlKey}` };
    const response = await fetch(`${origin}/_emulator/journal`, { headers });
    if (response.status === 403) throw new Error('status 403; a server that others can reach needs --control-key');
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.text();
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    throw new JournalReadError(`cannot read the journal of ${origin}: ${cause?.code ?? message}`);
  }
}

async function readFileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new JournalReadError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
