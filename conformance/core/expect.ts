import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import type { Reply } from '../wire/reply.ts';
import { Fault, Mismatch } from './verdict.ts';

const MAX_SHOWN = 300;

/** @throws Mismatch */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Mismatch(`${what}: expected ${show(expected)}, got ${show(actual)}`);
  }
}

/** @throws Mismatch saying `what` should have held */
export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Mismatch(what);
}

/** The value in its shape. Members that the shape does not name are nobody's business. @throws Mismatch naming the field */
export function shaped<Shape extends z.ZodType>(shape: Shape, value: unknown, what: string): z.output<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'the body';
  throw new Mismatch(`${what}: ${field}: ${issue?.message ?? 'has another shape'}, got ${show(value)}`);
}

/**
 * Any 2xx: which one, 200 or 201, is nobody's business.
 * @throws Fault for a 5xx or 429, of which nothing can be concluded; Mismatch for any other refusal
 */
export function succeeded(reply: Reply): Reply {
  if (reply.status >= 200 && reply.status < 300) return reply;
  const message = `${reply.what}: expected success, got ${reply.status} ${show(reply.json ?? reply.text)}`;
  throw reply.status >= 500 || reply.status === 429 ? new Fault(message) : new Mismatch(message);
}

/** A success whose body has the shape. @throws Mismatch, Fault */
export function answered<Shape extends z.ZodType>(reply: Reply, shape: Shape): z.output<Shape> {
  return shaped(shape, succeeded(reply).json, reply.what);
}

/**
 * A clean refusal: status and type of its row in the error table, in JSON, and in the dialect its code. A server that breaks down where it should
 * have refused has failed: 5xx is a mismatch here.
 * @returns the message
 * @throws Mismatch
 */
export function refused(reply: Reply, code: ErrorCode, options: { param?: string; bare?: boolean } = {}): string {
  const { status, type, bare } = ERRORS[code];
  const what = `${reply.what}: expected the refusal ${code} (${status} ${type})`;
  const { error } = (reply.json ?? {}) as {
    error?: { message?: unknown; type?: unknown; code?: unknown; param?: unknown };
  };
  holds(reply.status === status, `${what}, got ${reply.status} ${show(reply.json ?? reply.text)}`);
  holds(
    typeof error === 'object' && error !== null,
    `${what}, got a body without error: ${show(reply.json ?? reply.text)}`,
  );
  holds(error.type === type, `${what}, got the type ${show(error.type)}`);
  holds(typeof error.message === 'string' && error.message !== '', `${what}, got no message`);
  const coded = !(options.bare ?? bare);
  if (coded) holds(error.code === code, `${what}, got the code ${show(error.code)}`);
  if (coded && options.param !== undefined) {
    holds(error.param === options.param, `${what} to blame ${options.param}, got ${show(error.param)}`);
  }
  return error.message;
}

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)` : text;
}
