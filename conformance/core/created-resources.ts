import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Reply } from '../wire/reply.ts';

const CreatedResource = z.object({
  kind: z.enum(['session', 'snapshot', 'file']),
  id: z.string(),
  account: z.string(),
});
export type CreatedResource = z.infer<typeof CreatedResource>;

/** A request that creates something, without an answer that tells whether it did. */
interface UnansweredCreation {
  request: string;
  account: string;
}

/** A line of a resources file. */
const ResourceLine = z.union([
  z.object({ created_resources: z.literal(1), run: z.string(), target: z.string() }),
  z.object({ intent: z.object({ account: z.string(), path: z.string() }) }),
  z.object({ created: CreatedResource }),
  z.object({ gone: z.string() }),
]);
type ResourceLine = z.infer<typeof ResourceLine>;

const CREATING = /^\/(?:sessions|files)$|^\/sessions\/[^/]+\/(?:snapshots|compress)$/;
const SHARE_ID = /"share_id"\s*:\s*"([^"]+)"/g;
const DELETING = /^\/(?:sessions|snapshots|files)\/([^/]+)$/;

/** Sessions that the kit makes carry the id of their run under this key, so that one whose answer was lost is found. */
export const RUN_MARK = 'kimi_conformance_run';

const FILE_NAME = /^created-.+\.jsonl$/;

export function resourceFileName(run: string): string {
  return `created-${run}.jsonl`;
}

export function isResourceFileName(name: string): boolean {
  return FILE_NAME.test(name);
}

/**
 * What a run has created and not yet deleted. Written ahead, to a file where one is given: an intent before each request that creates, the id as soon as
 * it is known; so a run that is killed can be swept up after.
 */
export class CreatedResources {
  readonly run: string;
  /** Ids of shares that were seen, whatever they look like here: no report may name them. */
  readonly shares = new Set<string>();
  readonly #file: string | undefined;
  readonly #open = new Map<string, CreatedResource>();
  readonly #unanswered: UnansweredCreation[] = [];

  constructor({ run, target, file }: { run: string; target: string; file?: string }) {
    this.run = run;
    this.#file = file;
    if (file !== undefined) mkdirSync(dirname(file), { recursive: true });
    this.#write({ created_resources: 1, run, target });
  }

  /** @returns whether the request creates something, so that its answer has to be waited for */
  recordIntent(account: string, method: string, path: string): boolean {
    const creates = isCreation(method, path);
    if (creates) {
      this.#unanswered.push({ request: requestOf(path), account });
      this.#write({ intent: { account, path } });
    }
    return creates;
  }

  /** Notes what an answer says to have been created or deleted. */
  recordReply(account: string, method: string, path: string, reply: Reply): void {
    // Whether a server that broke down has created something is not known.
    if (reply.status < 500) this.settle(account, method, path);
    if (reply.status >= 300) return;
    for (const [, id = ''] of reply.text.matchAll(SHARE_ID)) this.shares.add(id);
    if (method === 'DELETE') {
      const id = DELETING.exec(path)?.[1];
      if (id !== undefined) this.recordDeleted(id);
    } else if (isCreation(method, path)) {
      for (const created of createdBy(reply)) this.#created({ ...created, account });
    }
  }

  /** What became of a request that creates something is known, be it that it was never sent. */
  settle(account: string, method: string, path: string): void {
    if (!isCreation(method, path)) return;
    const request = requestOf(path);
    const index = this.#unanswered.findIndex((one) => one.request === request && one.account === account);
    if (index >= 0) this.#unanswered.splice(index, 1);
  }

  #created(created: CreatedResource): void {
    this.#open.set(created.id, created);
    this.#write({ created });
  }

  recordDeleted(id: string): void {
    if (this.#open.delete(id)) this.#write({ gone: id });
  }

  /** What is still there, newest first. */
  get open(): CreatedResource[] {
    return [...this.#open.values()].reverse();
  }

  /** What may be there without an id that is known. Only requests that are through count, so it is asked at the end. */
  get unanswered(): UnansweredCreation[] {
    return [...this.#unanswered];
  }

  /** A run that leaves nothing behind, as far as is known, leaves no resources either. */
  close(): void {
    const clean = this.#open.size === 0 && this.#unanswered.length === 0;
    if (this.#file !== undefined && clean) rmSync(this.#file, { force: true });
  }

  #write(line: ResourceLine): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

function requestOf(path: string): string {
  return `POST /v1${path}`;
}

function isCreation(method: string, path: string): boolean {
  return method === 'POST' && CREATING.test(path);
}

function createdBy(reply: Reply): Pick<CreatedResource, 'kind' | 'id'>[] {
  const body = (reply.json ?? {}) as { object?: unknown; id?: unknown; snapshot_id?: unknown };
  if (body.object === 'session' && typeof body.id === 'string') return [{ kind: 'session', id: body.id }];
  if (body.object === 'file' && typeof body.id === 'string') return [{ kind: 'file', id: body.id }];
  const makesSnapshot = body.object === 'session.snapshot' || body.object === 'session.compression';
  if (makesSnapshot && typeof body.snapshot_id === 'string') return [{ kind: 'snapshot', id: body.snapshot_id }];
  return [];
}

/** What a resources file says. */
export interface ResourceFile {
  run: string;
  target: string;
  open: CreatedResource[];
  /** Every session the run is known to have made, deleted ones included: their snapshots outlive them. */
  sessions: Set<string>;
  /** Lines that say nothing, since a kill or a full disk cut them short: `line 4 is unreadable: {"created"`. */
  unreadable: string[];
}

/** `empty`: nothing came after the first line, not even all of that; `headless`: it does not say whose it is. */
type ParsedResourceFile = ResourceFile | 'empty' | 'headless';

const SHOWN = 60;

/** Reads the text of a resources file as far as it says anything. */
export function parseResourceFile(text: string): ParsedResourceFile {
  const lines = text.split('\n').flatMap((line, index) => (line === '' ? [] : [{ line, number: index + 1 }]));
  const said = lines.map(({ line }) => parse(line));
  const [head] = said;
  if (!head || !('created_resources' in head)) return lines.length < 2 && !head ? 'empty' : 'headless';
  const trace: ResourceFile = { run: head.run, target: head.target, open: [], sessions: new Set(), unreadable: [] };
  for (const [index, { line, number }] of lines.entries()) {
    const parsed = said[index];
    if (parsed) note(trace, parsed);
    else trace.unreadable.push(`line ${number} is unreadable: ${line.slice(0, SHOWN)}`);
  }
  return trace;
}

function note(trace: ResourceFile, line: ResourceLine): void {
  if ('created' in line) {
    trace.open.push(line.created);
    if (line.created.kind === 'session') trace.sessions.add(line.created.id);
  } else if ('gone' in line) trace.open = trace.open.filter(({ id }) => id !== line.gone);
}

function parse(text: string): ResourceLine | undefined {
  try {
    return ResourceLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
