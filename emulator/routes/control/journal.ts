import { Hono } from 'hono';
import * as z from 'zod';
import { OPERATION_IDS } from '../../../contract/operation-routes.ts';
import { exportJournal } from '../../journal/journal-file.ts';
import type { Env } from '../../middleware/context.ts';
import { parseFields } from '../../middleware/request-body.ts';
import { respond } from '../respond.ts';

const whole = z.coerce.number().pipe(z.int().min(0));

const filter = z.strictObject({
  session: z.string().optional(),
  status: z
    .string()
    .regex(/^(?:\d{3}|[1-5]xx|open)$/i, 'takes a status such as 400, a class such as 4xx, or open')
    .optional(),
  operation: z.enum(OPERATION_IDS, `takes one of ${OPERATION_IDS.join(', ')}`).optional(),
  key: z.string().optional(),
  since: whole.optional(),
  limit: whole.pipe(z.int().min(1)).optional(),
});

/** The requests that the emulator remembers, oldest first; the same as a file that `kimi-emulator doctor` reads. */
export function journalRoutes() {
  const routes = new Hono<Env>();

  routes.get('/journal', (c) =>
    respond(c, { body: exportJournal(c.get('services'), parseFields(c, filter, c.req.query())) }),
  );

  routes.delete('/journal', (c) => {
    c.get('services').journal.clear();
    return respond(c, { body: { cleared: true } });
  });

  return routes;
}
