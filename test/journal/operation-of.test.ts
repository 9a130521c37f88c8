import { expect, it } from 'vitest';
import { resolveLimits } from '../../contract/limits.ts';
import { operationOf } from '../../contract/operation-routes.ts';
import { operations } from '../../contract/operations.ts';

it('operationOf knows every operation of the contract, and no other path', () => {
  for (const { id, method, path } of operations(resolveLimits())) {
    const asked = path.replaceAll(/\{\w+\}/g, 'x%20y');
    const { operation, ids } = operationOf(method.toUpperCase(), asked);
    expect(operation).toBe(id);
    for (const value of Object.values(ids)) expect(value).toBe('x y');
    expect(Object.keys(ids).length).toBe(path.split('{').length - 1);
    expect(operationOf('PATCH', asked).otherMethods).toContain(method.toUpperCase());
    expect(operationOf(method.toUpperCase(), `${asked}/more/and/more`).operation).toBeUndefined();
  }
  expect(operationOf('GET', '/v1/sessions/%E0%A4%A').ids.session).toBe('%E0%A4%A');
});
