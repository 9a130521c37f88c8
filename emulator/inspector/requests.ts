import { billingOf } from '../billing/billing.ts';
import { describe } from '../journal/entries.ts';
import { type Exchange, type JournalEffects, readText } from '../journal/exchange.ts';
import { Redactor } from '../journal/redact.ts';
import type { Services } from '../services.ts';
import type { RequestLine, RequestList, RequestText } from './answers.ts';

const CAUSE = /\brequest #(\d+)\b/;
const TOOK = /dur=([\d.]+)/;

/** Requests of the journal behind `since`, oldest first, without their texts. Those still running come again. */
export function listRequests(services: Services, since: number): RequestList {
  const { journal } = services;
  const all = journal.exchanges();
  const wanted = all.filter(({ n, status }) => n > since || status === 0);
  const redactor = redactorOf(wanted.length === 0 ? [] : all);
  const items = wanted.map((exchange) => lineOf(services, exchange, redactor));
  return { first: all[0]?.n ?? Number.MAX_SAFE_INTEGER, items };
}

function redactorOf(exchanges: readonly Exchange[]): Redactor {
  return new Redactor(exchanges.flatMap(({ key }) => (key === undefined ? [] : [key])));
}

function lineOf(services: Services, exchange: Exchange, redactor: Redactor): RequestLine {
  const { n, at, account, asked, addressed, status, code, headers = {}, facts, faults } = exchange;
  const hint = headers['Kimi-Emulator-Hint'];
  const cause = CAUSE.exec(hint ?? '')?.[1];
  const took = TOOK.exec(headers['Server-Timing'] ?? '')?.[1];
  const { turn } = facts;
  const usage = turn?.usage;
  const cached = usage?.cached_tokens ?? 0;
  return {
    n,
    at,
    account: account?.slice(0, 12) ?? null,
    method: asked.method,
    path: redactor.text(asked.path + asked.query),
    operation: addressed.operation ?? null,
    session: exchange.session ?? null,
    status,
    code: code ?? null,
    hint: hint === undefined ? null : redactor.text(hint),
    cause: cause === undefined ? null : Number(cause),
    took: took === undefined ? null : Number(took),
    tokens: usage?.prompt_tokens ?? facts.wrote?.tokens ?? null,
    cached: usage ? cached : null,
    output: usage?.completion_tokens ?? null,
    cost:
      turn && usage
        ? billingOf(services).cost(turn.model, at, {
            promptTokens: usage.prompt_tokens,
            cachedTokens: cached,
            outputTokens: usage.completion_tokens,
          })
        : null,
    faults,
    effect: effectOf(facts),
  };
}

/** What it did, in a few words. */
function effectOf({ reset, created, cut, compressed, rolled_back, snapshot, deleted, wrote }: JournalEffects): string {
  const grouped = (tokens: number) => tokens.toLocaleString('en-US');
  const messages = (of: { messages: number }) => `${of.messages} ${of.messages === 1 ? 'message' : 'messages'}`;
  if (reset) return 'all state was put back';
  if (created) return created.from_snapshot ? `forked from ${created.from_snapshot}` : 'created';
  if (cut) return `cut ${messages(cut)}, ${grouped(cut.tokens)} tokens`;
  if (compressed) return `compressed ${grouped(compressed.before)} → ${grouped(compressed.total)} tokens`;
  if (rolled_back) return `rolled back to ${rolled_back.snapshot}`;
  if (snapshot) return `snapshot ${snapshot.id}`;
  if (deleted) return 'deleted';
  if (wrote) return `wrote ${messages(wrote)}`;
  return '';
}

/** The texts of one request; undefined where it is not remembered any more. */
export function requestText({ journal }: Pick<Services, 'journal'>, n: number): RequestText | undefined {
  const all = journal.exchanges();
  const exchange = all.find((each) => each.n === n);
  if (!exchange) return undefined;
  const { request = null, answer = null } = describe(exchange, redactorOf(all));
  return { n, request, answer, bytes: exchange.requestBytes, repeatable: bodyOf(exchange) !== undefined };
}

/** The body as it was sent, where all of it is remembered and it can be sent again; keys and ids in it are not redacted. */
export function bodyOf({ request, key, noted }: Exchange): string | undefined {
  if (key === undefined || noted?.reset) return undefined;
  if (request === undefined) return '';
  const { head, leftOut } = readText(request);
  return leftOut === 0 ? head : undefined;
}
