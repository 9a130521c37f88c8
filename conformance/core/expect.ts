import type { z } from 'zod';
import { ERRORS, type ErrorCode, LIVE_TEXT } from '../../contract/errors.ts';
import type { Reply } from '../wire/reply.ts';
import { describeDifference, firstDifference, preview } from './difference.ts';
import { Inconclusive, Mismatch } from './verdict.ts';

export { preview } from './difference.ts';

/** @throws Mismatch naming the first place at which the values differ */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const difference = firstDifference(actual, expected);
  if (difference) throw new Mismatch(`${what}: ${describeDifference(difference)}`);
}

/** @throws Mismatch saying `what` should have held */
export function expectTrue(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Mismatch(what);
}

/** The value in its shape. Members that the shape does not name are nobody's business. @throws Mismatch naming the field */
export function expectShape<Shape extends z.ZodType>(shape: Shape, value: unknown, what: string): z.output<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'the body';
  throw new Mismatch(`${what}: ${field}: ${issue?.message ?? 'has another shape'}, got ${preview(value)}`);
}

/**
 * Any 2xx: which one, 200 or 201, is nobody's business.
 * @throws Inconclusive for a 5xx or 429, of which nothing can be concluded; Mismatch for any other refusal
 */
export function expectSuccess(reply: Reply): Reply {
  if (reply.status >= 200 && reply.status < 300) return reply;
  const message = `${reply.what}: expected success, got ${reply.status} ${preview(reply.json ?? reply.text)}`;
  throw reply.status >= 500 || reply.status === 429 ? new Inconclusive(message) : new Mismatch(message);
}

/** A success whose body has the shape. @throws Mismatch, Inconclusive */
export function expectBody<Shape extends z.ZodType>(reply: Reply, shape: Shape): z.output<Shape> {
  return expectShape(shape, expectSuccess(reply).json, reply.what);
}

/**
 * A clean refusal: status and type of its row in the error table, in JSON, and in the dialect its code. A server that breaks down where it should
 * have refused has failed: 5xx is a mismatch here.
 * @returns the message
 * @throws Mismatch
 */
export function expectError(reply: Reply, code: ErrorCode, options: { param?: string; bare?: boolean } = {}): string {
  const { status, type, bare } = ERRORS[code];
  const what = `${reply.what}: expected the refusal ${code} (${status} ${type})`;
  const { error } = (reply.json ?? {}) as {
    error?: { message?: unknown; type?: unknown; code?: unknown; param?: unknown };
  };
  expectTrue(reply.status === status, `${what}, got ${reply.status} ${preview(reply.json ?? reply.text)}`);
  expectTrue(
    typeof error === 'object' && error !== null,
    `${what}, got a body without error: ${preview(reply.json ?? reply.text)}`,
  );
  expectTrue(error.type === type, `${what}, got the type ${preview(error.type)}`);
  expectTrue(typeof error.message === 'string' && error.message !== '', `${what}, got no message`);
  const coded = !(options.bare ?? bare);
  if (coded) expectTrue(error.code === code, `${what}, got the code ${preview(error.code)}`);
  if (coded && options.param !== undefined) {
    expectTrue(error.param === options.param, `${what} to blame ${options.param}, got ${preview(error.param)}`);
  }
  return error.message;
}

/**
 * A body over the limit is refused in the words of the contract, which name both sizes: of the same status and type as what is wrong in a
 * body, they alone tell which it was.
 * @param size bytes of the body
 * @throws Mismatch
 */
export function expectBodyTooLarge(reply: Reply, size: number, limit: number): void {
  expectEqual(expectError(reply, 'body_too_large'), LIVE_TEXT.bodyTooLarge(size, limit), `${reply.what}: the message`);
}

/** The ways in which a request is refused whose sender is not known: with a wrong key, and without one. */
const ROWS = {
  invalid_authentication: LIVE_TEXT.invalidAuthentication,
  incorrect_api_key: LIVE_TEXT.incorrectApiKey,
} as const;

/** A request whose sender is not known is refused in live words, those of `code` where it is given. @throws Mismatch */
export function expectUnauthenticated(reply: Reply, code?: keyof typeof ROWS): void {
  const { error } = (reply.json ?? {}) as { error?: { type?: unknown } };
  const seen = error?.type === 'incorrect_api_key_error' ? 'incorrect_api_key' : 'invalid_authentication';
  expectEqual(expectError(reply, code ?? seen), ROWS[code ?? seen], 'the message');
}
