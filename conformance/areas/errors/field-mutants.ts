import { isDeepStrictEqual } from 'node:util';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editJson, type Handler, type Json, json, objectIn, type Passing } from '../../proof/proxy.ts';
import { RULES } from '../rules.ts';
import { cellName, FIELD_CASES, FIELDS } from './field-cases.ts';
import { pathOf } from './gate-mutants.ts';

/** For each field of each route, servers that take it as it may not be, and such as refuse it and do something. */

const mutant = mutantsOf('errors', { takes, meddles, unblamed });

const isLines = ({ headers }: Passing) => (headers['content-type'] ?? '').includes('ndjson');

function isOf(route: string, request: Passing): boolean {
  return (
    request.method === 'POST' && pathOf(route).test(request.path) && isLines(request) === (route === 'append-lines')
  );
}

/** Answers where the field is wrong in this way. */
function takes(route: string, field: string, value: unknown): Handler {
  return (request, forward) => {
    const body = objectIn(request);
    const isWrong = value === undefined ? !(field in body) : isDeepStrictEqual(body[field], value);
    return isOf(route, request) && isWrong ? Promise.resolve(json({ object: 'taken' })) : forward();
  };
}

/** A refusal leaves a session behind. */
function meddles(route: string): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (response.status !== 400 || !isOf(route, request)) return response;
    const headers = { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' };
    await (await forward({ method: 'POST', path: '/v1/sessions', headers, body: {} })).text();
    return response;
  };
}

/** A refusal does not name the field. */
function unblamed(route: string): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (response.status !== 400 || !isOf(route, request)) return response;
    return editJson(response, ({ error: { param: _, ...error } }: { error: Json }) => ({ error }));
  };
}

const isMust = (id: string, check: string) => {
  const rule = FIELD_CASES.find((known) => known.id === id)?.checks[check];
  return rule !== undefined && RULES[rule].level === 'MUST';
};

export const FIELD_MUTANTS: readonly Mutant[] = Object.entries(FIELDS).flatMap(([route, fields]) => {
  const id = `errors.fields-${route}`;
  const cells = Object.entries(fields)
    .flatMap(([field, wrong]) =>
      Object.entries(wrong).map(([name, value]) => ({ field, name: cellName(field, name), value })),
    )
    .filter(({ name }) => isMust(id, name));
  const blamed = cells.filter(({ field }) => field !== 'session_id').map(({ name }) => name);
  return [
    ...cells.map(({ field, name, value }) =>
      mutant(`takes-${name}-on-${route}`, `${route} takes a ${field} that it may not: ${name}`)
        .caughtBy(`${id}/${name}`)
        .takes(route, field, value),
    ),
    mutant(`refused-and-done-on-${route}`, `a refusal of ${route} leaves a session behind`)
      .caughtBy(`${id}/nothing-done`)
      .meddles(route),
    mutant(`unblamed-on-${route}`, `a refusal of ${route} does not name the field`)
      .caughtBy(`${id}/${blamed.join(' ')}`)
      .unblamed(route),
  ];
});
