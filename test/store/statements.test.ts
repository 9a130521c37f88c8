import type { Database } from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { Answers } from '../../emulator/store/answers.ts';
import { Collector } from '../../emulator/store/collector.ts';
import { openDatabase } from '../../emulator/store/database.ts';
import { History } from '../../emulator/store/history.ts';
import { SessionRows, Toolsets } from '../../emulator/store/sessions.ts';
import { SnapshotRows } from '../../emulator/store/snapshots.ts';

/** Each part of the store, used once: most prepare their statements when they are first used. */
const USES: readonly ((database: Database) => unknown)[] = [
  (database) => new History(database),
  (database) => new SessionRows(database),
  (database) => new SnapshotRows(database).count('account'),
  (database) => new Toolsets(database).read(1),
  (database) => new Answers(database),
  (database) => {
    const collector = new Collector(database);
    collector.markDirty(1);
    collector.blobs.size('hash');
    collector.close();
  },
];

describe('the statements of the store', () => {
  const plans = planAll();

  it('scan no table', () => {
    expect(plans.length).toBeGreaterThan(30);
    const scans = plans.filter(({ plan }) => plan.some((step) => step.startsWith('SCAN')));
    // The index holds dirty segments only, and its first entry will do.
    expect(scans.map(({ plan }) => plan)).toEqual([['SCAN segments USING COVERING INDEX segments_dirty']]);
  });

  it('sort nothing', () => {
    expect(plans.filter(({ plan }) => plan.some((step) => step.includes('TEMP B-TREE')))).toEqual([]);
  });

  it('are not compiled anew for each LIMIT that is bound', () => {
    const limited = plans.filter(({ sql }) => /LIMIT [?@]/.test(sql));
    expect(limited.length).toBeGreaterThan(10);
    expect(limited.filter(({ sql }) => /LIMIT [?@]\w*(?! \+ 0|\w)/.test(sql))).toEqual([]);
  });

  it('find the pins below a floor without reading what stands between them', () => {
    const pins = plans.filter(({ sql }) => sql.includes('held = 1'));
    expect(pins.length).toBe(2);
    for (const { plan } of pins) expect(plan[0]).toContain('USING INDEX entries_held (segment=? AND seq>? AND seq<?)');
  });
});

/** Every statement that the store prepares, with SQLite's own account of how it would be run. */
function planAll(): { sql: string; plan: string[] }[] {
  const database = openDatabase(':memory:');
  const found: { sql: string; plan: string[] }[] = [];
  const recording = new Proxy(database, {
    get(target, name: keyof Database) {
      if (name !== 'prepare') return Reflect.get(target, name);
      return (sql: string) => {
        found.push({ sql, plan: planOf(target, sql) });
        return target.prepare(sql);
      };
    },
  });
  for (const use of USES) use(recording);
  return found;
}

function planOf(database: Database, sql: string): string[] {
  const names = Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, 1]));
  const values = [...sql.matchAll(/\?/g)].map(() => 1);
  const bound = values.length > 0 ? values : [names];
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...bound) as { detail: string }[];
  return rows.map((row) => row.detail);
}
