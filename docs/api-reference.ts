import { describeError, ERRORS, type ErrorCode, exampleDetails } from '../contract/errors.ts';
import { LIMITS, resolveLimits } from '../contract/limits.ts';
import { openApi } from '../contract/openapi.ts';
import { CONTROL_ROUTES } from '../emulator/control-routes.ts';
import { type Schema, table, typeName } from './schema-text.ts';

interface Described {
  operationId: string;
  summary: string;
  'x-evidence': string;
  parameters: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content: Record<string, { schema: Schema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema> };
}

const EVIDENCE = `Each rule says where it comes from: \`article\` (the article that defined the dialect), \`kimi\` (documented by Moonshot or
captured from the live API) or \`ours\` (decided here, so that the dialect is complete and safe).`;

const WIDTH = 120;
const JSON_TYPE = 'application/json';

/** The reference in Markdown, generated from the schemas that validate requests. */
export function apiReference(): string {
  const { paths, components } = openApi(resolveLimits(), '') as unknown as Document;
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => route(method, path, described)),
  );
  const objects = Object.entries(components.schemas).filter(([name]) => name !== 'Error');
  return [
    '# API reference',
    '<!-- Generated from contract/ by `npm run docs`. -->',
    EVIDENCE,
    '## Operations',
    ...routes,
    '## Objects',
    ...objects.map(([name, schema]) => `### ${name}\n\n${fields(schema)}`),
    '## Control routes',
    "The emulator's own, which are not part of the API and need no API key; the page has what each takes.",
    table(
      ['route', 'what it is for', 'page'],
      CONTROL_ROUTES.map(({ route, meaning, page }) => {
        const name = page.replace('docs/', '');
        return [`\`${route}\``, meaning, `[${name}](${name})`];
      }),
    ),
    '## Errors',
    'The envelope is `{"error": {"message", "type"}}`. Requests that address a session, snapshot or share also get `code` and, if one field caused the error, `param`; rows marked *bare* never have them. The header `x-should-retry` says whether to try again.',
    table(
      ['code', 'status', 'type', 'retry', 'evidence', '', 'example text'],
      Object.entries(ERRORS).map(([code, row]) => [
        `\`${code}\``,
        String(row.status),
        `\`${row.type}\``,
        row.retry ? 'yes' : 'no',
        row.evidence,
        row.bare ? 'bare' : '',
        describeError(code as ErrorCode, exampleDetails(code as ErrorCode)).message,
      ]),
    ),
    '## Limits',
    'Change one with `--limit NAME=N`, or `createEmulator({ limits: { NAME: N } })`.',
    table(
      ['name', 'default', 'range', 'meaning', 'evidence', 'source'],
      Object.entries(LIMITS).map(([name, limit]) => [
        `\`${name}\``,
        `${limit.default.toLocaleString('en-US')} ${limit.unit}`,
        `${limit.min}…${limit.max}`,
        limit.meaning,
        limit.evidence,
        limit.source,
      ]),
    ),
    '',
  ]
    .join('\n\n')
    .split('\n')
    .flatMap((line) => (line.startsWith('|') ? [line] : wrapped(line)))
    .join('\n');
}

/** A line of prose at no more than 120 columns. */
function wrapped(line: string): string[] {
  const lines: string[] = [];
  for (const word of line.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function route(
  method: string,
  path: string,
  { operationId, summary, parameters, requestBody, responses, ...rest }: Described,
): string {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const [bodyType, { schema: body }] = Object.entries(requestBody?.content ?? {})[0] ?? [
    JSON_TYPE,
    { schema: undefined },
  ];
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  const refusals = Object.entries(responses).filter(([status]) => !status.startsWith('2'));
  return [
    `### ${method.toUpperCase()} ${path}`,
    `\`${operationId}\`: ${summary} *(${rest['x-evidence']})*`,
    query.length > 0
      ? `Query:\n\n${table(
          ['field', 'type'],
          query.map(({ name, schema }) => [`\`${name}\``, typeName(schema)]),
        )}`
      : '',
    body
      ? `Body${bodyType === JSON_TYPE ? '' : `, as ${bodyType}`}: ${body.properties ? `\n\n${fields(body)}` : typeName(body)}`
      : '',
    ...answers.map(
      ([status, { content }]) => `Answers ${status}: ${Object.entries(content).map(contentText).join('; ')}`,
    ),
    `Refuses: ${refusals.map(([status, { description }]) => `${status} ${description}`).join(' · ')}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function contentText([type, { schema }]: [string, { schema: Schema }]): string {
  if (type === JSON_TYPE) return typeName(schema);
  return schema.format === 'binary' ? `the bytes as ${type}` : `as ${type}, each ${typeName(schema)}`;
}

function fields({ properties = {}, required = [], oneOf, anyOf }: Schema): string {
  const branches = oneOf ?? anyOf;
  if (branches) return branches.map((branch) => fields(branch)).join('\n\nor\n\n');
  const rows = Object.entries(properties).map(([name, schema]) => [
    `\`${name}\``,
    typeName(schema),
    required.includes(name) && schema.default === undefined ? 'yes' : '',
    schema.description ?? '',
  ]);
  return table(['field', 'type', 'required', ''], rows);
}
