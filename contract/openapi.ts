import * as z from 'zod';
import { ERRORS, type ErrorCode } from './errors.ts';
import { LIMITS, type Limits } from './limits.ts';
import { type Operation, operations } from './operations.ts';

/** Where an idempotency key may be sent: on any POST or DELETE. */
const KEYED: readonly ErrorCode[] = ['request_in_progress', 'idempotency_mismatch'];

type Json = Record<string, unknown>;

/** Errors of every operation, before its own are looked at. */
const COMMON: readonly ErrorCode[] = [
  'invalid_authentication',
  'incorrect_api_key',
  'invalid_request',
  'body_too_large',
];

/** The API as an OpenAPI 3.1 document, from the same schemas that check requests. */
export function openApi(limits: Limits, version: string): Json {
  const components = new Map<string, unknown>();
  const paths: Record<string, Json> = {};
  for (const operation of operations(limits)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, components) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kimi long-context session API (emulated)',
      version,
      description:
        'Chat, models, tokenizer, balance and errors are the live Kimi API’s; the session dialect is not offered by Moonshot.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: {
        ...Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
        Error: errorSchema(),
      },
    },
    'x-limits': LIMITS,
  };
}

function describe(
  { id, method, path, summary, evidence, query, body, form, answer, bytes, stream, status, errors }: Operation,
  components: Map<string, unknown>,
): Json {
  const possible = [...new Set([...COMMON, ...errors, ...(method === 'get' ? [] : KEYED)])];
  const statuses = [...new Set(possible.map((code) => ERRORS[code].status))].toSorted();
  const refusals = statuses.map((refused) => {
    const codes = possible.filter((code) => ERRORS[code].status === refused);
    return [refused, { description: codes.join(', '), content: json({ $ref: '#/components/schemas/Error' }) }];
  });
  const content = {
    ...json(schemaOf(answer, 'output', components)),
    ...(bytes && { 'application/octet-stream': { schema: BYTES } }),
    ...(stream && { [stream.type]: { schema: schemaOf(stream.item, 'output', components) } }),
  };
  const answered = { description: 'done', content };
  return {
    operationId: id,
    summary,
    'x-evidence': evidence,
    parameters: [...pathParameters(path), ...(query ? queryParameters(query, components) : [])],
    ...(body && { requestBody: { content: json(schemaOf(body, 'input', components)) } }),
    ...(form && {
      requestBody: { content: { 'multipart/form-data': { schema: withFile(schemaOf(form, 'input', components)) } } },
    }),
    responses: { [status ?? 200]: answered, ...Object.fromEntries(refusals) },
  };
}

const BYTES = { type: 'string', format: 'binary' };

function withFile(form: Json): Json {
  const { properties, required } = form as { properties: Json; required: string[] };
  return { ...form, properties: { file: BYTES, ...properties }, required: ['file', ...required] };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject, components: Map<string, unknown>): Json[] {
  const { properties = {} } = schemaOf(query, 'output', components) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
}

/** A schema as JSON Schema, its named parts moved to the document's components. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Map<string, unknown>): Json {
  const {
    $schema,
    $defs = {},
    ...rest
  } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json & { $defs?: Json };
  for (const [name, definition] of Object.entries($defs)) components.set(name, withComponentRefs(definition));
  const { id } = rest as { id?: string };
  if (id === undefined) return withComponentRefs(rest) as Json;
  components.set(id, withComponentRefs(rest));
  return { $ref: `#/components/schemas/${id}` };
}

function withComponentRefs(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'), (key, inner) =>
    key === 'id' && typeof inner === 'string' ? undefined : inner,
  );
}

function errorSchema(): Json {
  const codes = Object.entries(ERRORS).filter(([, row]) => !row.bare);
  return {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['message', 'type'],
        properties: {
          message: { type: 'string' },
          type: { type: 'string', enum: [...new Set(Object.values(ERRORS).map((row) => row.type))] },
          code: { type: 'string', enum: codes.map(([code]) => code) },
          param: { type: 'string' },
        },
      },
    },
  };
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}
