import { Hono } from 'hono';
import { ApiError, invalid } from '../../errors.ts';
import { FaultError, type FaultSpec } from '../../faults/fault-spec.ts';
import type { Env } from '../../middleware/context.ts';
import { readValue } from '../../middleware/request-body.ts';
import { respond } from '../respond.ts';

/** What is set to go wrong: set, listed and taken away. */
export function faultRoutes() {
  const routes = new Hono<Env>();

  routes.post('/faults', async (c) => {
    const spec = (await readValue(c)) as FaultSpec;
    const { faults } = c.var.services;
    try {
      const { id } = faults.add(spec);
      return respond(c, { body: faults.list().find((fault) => fault.id === id) ?? {}, status: 201 });
    } catch (error) {
      if (error instanceof FaultError) throw invalid(error.message);
      throw error;
    }
  });

  routes.get('/faults', (c) => respond(c, { body: { object: 'list', data: c.get('services').faults.list() } }));

  routes.delete('/faults', (c) => {
    c.get('services').faults.clear();
    return respond(c, { body: { deleted: true } });
  });

  routes.delete('/faults/:id', (c) => {
    const id = c.req.param('id');
    if (c.get('services').faults.remove(id)) return respond(c, { body: { id, deleted: true } });
    throw new ApiError('message_not_found', { fault: id });
  });

  return routes;
}
