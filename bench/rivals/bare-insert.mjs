// The least that an append could be: a Hono route that inserts one row. Same pragmas as the emulator.
import { serve } from '@hono/node-server';
import Database from 'better-sqlite3';
import { Hono } from 'hono';

const database = new Database(process.argv[2]);
database.pragma('locking_mode = EXCLUSIVE');
database.pragma('journal_mode = WAL');
database.pragma('synchronous = NORMAL');
database.exec('CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)');
const insert = database.prepare('INSERT INTO rows (body) VALUES (?)');
const app = new Hono();
app.post('/append', async (c) => {
  const body = await c.req.json();
  const { lastInsertRowid } = insert.run(JSON.stringify(body));
  return c.json({ id: Number(lastInsertRowid), content: body.content });
});
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(JSON.stringify({ port })));
