import type { z } from 'zod';
import { listOf } from '../../contract/lists.ts';
import type { Target } from '../targets/target.ts';
import { Connection } from '../wire/connection.ts';
import { answered } from './expect.ts';
import { Fault } from './verdict.ts';

/** What is in an account, without a run around it. */
export interface Account {
  list<Item extends z.ZodType<{ id: string }>>(path: string, item: Item): Promise<z.output<Item>[]>;
  /** @returns whether it is gone */
  remove(path: string): Promise<boolean>;
}

const MAX_PAGES = 100;

export function openAccount(target: Target, key: string, name: string): Account {
  const connection = new Connection({ fetch: target.fetch, deadlineMs: target.deadlineMs });
  const send = (method: string, path: string) =>
    connection.send(`${method} ${path} of account ${name}`, {
      method,
      url: target.baseURL + path,
      headers: { Authorization: `Bearer ${key}` },
    });
  return {
    async list(path, item) {
      const items: z.output<typeof item>[] = [];
      let after = '';
      for (let pages = 0; pages < MAX_PAGES; pages += 1) {
        const page = answered(await send('GET', `${path}?limit=100${after}`), listOf(item));
        items.push(...page.data);
        if (!page.has_more) return items;
        after = `&after=${page.last_id}`;
      }
      throw new Fault(`the list ${path} does not end`);
    },
    async remove(path) {
      const { status } = await send('DELETE', path);
      return status < 300 || status === 404;
    },
  };
}
