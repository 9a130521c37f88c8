import { listOf } from '../../../contract/lists.ts';
import { Session, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import type { Api } from '../../wire/api.ts';
import { idOf, unknownId } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';

/** The three kinds of items: their pages, which way their lists go by themselves, and the rule that says so. */
const KINDS = {
  session: { Page: listOf(Session), order: 'desc', orderRule: 'lists.sessions-order' },
  message: { Page: listOf(SessionMessage), order: 'asc', orderRule: 'lists.messages-order' },
  snapshot: { Page: listOf(Snapshot), order: 'desc', orderRule: 'lists.snapshots-order' },
} as const;

type Kind = keyof typeof KINDS;

/** A list that is known: where it is, and its items from first to last in its own order. */
interface Known {
  api: Api;
  path: string;
  items: readonly { id: string }[];
  /** Ids that were items of it once, or are items of another such list, by what has become of them. */
  gone: Readonly<Record<string, string>>;
  /** A list of the same kind without items. */
  empty?: string;
}

interface ListSpec {
  id: string;
  title: string;
  kind: Kind;
  needs: Case['needs'];
  scope?: Case['scope'];
  /** Which way the list goes by itself, where not as its kind does. */
  order?: 'asc' | 'desc';
  /** Its items have been moved about: another list of the kind shows the form of its pages. */
  moved?: true;
  /** Lays out at least three items. */
  lay: (context: CaseContext<string>) => Promise<Known>;
}

const ROUNDS = 50;

/** More than is laid out anywhere, and less than any largest page. */
const ALL = 50;

/** What holds of every list. */
export function listCase(spec: ListSpec): Case {
  const { id, title, kind, needs, scope = 'session', order = KINDS[spec.kind].order, moved, lay } = spec;
  const { Page, orderRule } = KINDS[kind];
  const checks: Record<string, WireRuleId> = {
    ...(!moved && { shape: 'lists.shape', 'limit-most': 'lists.limit-range' }),
    ends: 'lists.ends',
    'no-items': 'lists.ends',
    'order-unknown': 'lists.order',
    'own-order': orderRule,
    whole: 'lists.whole',
    'order-given': 'lists.order',
    limit: 'lists.limit',
    'limit-refused': 'lists.limit-range',
    pages: 'lists.after',
    'pages-other-order': 'lists.after',
    'has-more': 'lists.has-more',
    'cursor-unknown': 'lists.cursor-unknown',
    'cursor-gone': 'lists.cursor-unknown',
  };
  return defineCase<string>({
    id,
    title,
    needs,
    scope,
    cost: () => ({ requests: 140 }),
    checks,
    async run(context) {
      const { api, path, items, gone, empty } = await lay(context);
      const joint = path.includes('?') ? '&' : '?';
      const ids = items.map(idOf);
      const turned = ids.toReversed();
      const other = order === 'asc' ? 'desc' : 'asc';
      const most = context.limits.page_size_max;
      const page = async (query: string, of = path) =>
        expectBody(await api.get(`${of}${of.includes('?') ? '&' : '?'}${query}`), Page);
      const idsOf = ({ data }: { data: { id: string }[] }) => data.map(idOf);
      const joined = async (query: string) => {
        const found: string[] = [];
        for (let round = 0, after = ''; round < ROUNDS; round += 1) {
          const { data, has_more, last_id } = await page(query + after);
          found.push(...data.map(idOf));
          if (!has_more) return found;
          after = `&after=${last_id}`;
        }
        throw new Mismatch(`GET /v1${path}${joint}${query}: the pages do not end`);
      };
      if (moved) await page(`limit=${ALL}`);
      else await context.require('shape', () => page(`limit=${ALL}`));
      const check = (name: string, judged: () => unknown) => context.check(name, judged);
      await check('own-order', async () => expectEqual(idsOf(await page(`limit=${ALL}`)), ids, 'the ids, as listed'));
      await check('whole', async () =>
        expectEqual((await page(`limit=${ALL}&order=${order}`)).data, items, 'the items'),
      );
      await check('ends', async () => {
        for (const query of ['limit=2', `limit=2&after=${ids[0]}`, `limit=${ALL}&after=${ids[0]}`, 'limit=1']) {
          for (const which of ['', `&order=${order}`]) {
            const { data, first_id, last_id } = await page(query + which);
            expectEqual([first_id, last_id], [data[0]?.id, data.at(-1)?.id], `first_id and last_id with ${query}`);
          }
        }
      });
      await check('no-items', async () => {
        const behind = `limit=2&after=${ids.at(-1)}`;
        for (const { data, first_id, last_id, has_more } of [
          await page(behind),
          ...(empty ? [await page('limit=2', empty)] : []),
        ]) {
          expectEqual(
            { data, first_id, last_id, has_more },
            { data: [], first_id: null, last_id: null, has_more: false },
            'a page without items',
          );
        }
      });
      await check('order-given', async () => {
        expectEqual(idsOf(await page(`limit=${ALL}&order=${order}`)), ids, `the ids in order ${order}`);
        expectEqual(idsOf(await page(`limit=${ALL}&order=${other}`)), turned, `the ids in order ${other}`);
      });
      await check('order-unknown', async () => {
        expectError(await api.get(`${path}${joint}order=newest`), 'invalid_request', { param: 'order' });
      });
      await check('limit', async () => {
        for (let limit = 1; limit < ids.length; limit += 1) {
          expectEqual(idsOf(await page(`limit=${limit}`)), ids.slice(0, limit), `the page of ${limit}`);
          const after = idsOf(await page(`limit=${limit}&after=${ids[0]}`));
          expectEqual(after, ids.slice(1, 1 + limit), `the page of ${limit} after the first item`);
        }
      });
      if (!moved) await check('limit-most', () => page(`limit=${most}`));
      await check('limit-refused', async () => {
        for (const limit of [0, most + 1, -1, 1.5, 'many']) {
          expectError(await api.get(`${path}${joint}limit=${limit}`), 'invalid_request', { param: 'limit' });
        }
      });
      await check('pages', async () => {
        for (const limit of [1, 2, 3])
          expectEqual(await joined(`limit=${limit}`), ids, `the pages of ${limit}, joined`);
      });
      await check('pages-other-order', async () => {
        expectEqual(await joined(`limit=2&order=${other}`), turned, `the pages in order ${other}, joined`);
      });
      await check('has-more', async () => {
        for (const which of ['', `&order=${order}`, `&order=${other}`]) {
          const short = await page(`limit=${ids.length - 1}${which}`);
          expectTrue(short.has_more, `has_more is true where one item is left${which}`);
          const whole = await page(`limit=${ids.length}${which}`);
          expectTrue(!whole.has_more, `has_more is false where the page ends with the last item${which}`);
        }
      });
      await check('cursor-unknown', async () => {
        const unknown = unknownId(ids[0] ?? '');
        expectError(await api.get(`${path}${joint}after=${unknown}`), `${kind}_not_found`, { param: 'after' });
        await page(`after=${ids[0]}`);
      });
      await check('cursor-gone', async () => {
        for (const [what, cursor] of Object.entries(gone)) {
          for (const more of ['', `&order=${other}`, '&limit=1']) {
            const reply = await api.get(`${path}${joint}after=${cursor}${more}`);
            expectTrue(reply.status >= 400, `${what} is refused as a cursor: ${reply.what} ${reply.status}`);
            expectError(reply, `${kind}_not_found`, { param: 'after' });
          }
        }
      });
    },
  });
}
