import { contentText } from '../../../contract/content-text.ts';
import { SessionCompression } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds } from '../../core/expect.ts';
import { append, createSession, stateOf, user, windowOf } from '../../wire/dialect.ts';
import { keptOf } from '../../wire/groups.ts';
import { appendFacts, facts, TOOL } from '../../wire/windows.ts';

const NEEDS = ['sessions', 'sessions.append', 'sessions.compress'] as const;

export const compressSummary = defineCase({
  id: 'compress.summary',
  title: 'one summary stands for all that is neither pinned nor asked to stay',
  needs: NEEDS,
  checks: {
    'one-system-message': 'compress.one-summary',
    'told-in-the-answer': 'compress.answer',
    'behind-leading-pins': 'compress.place',
    'rest-is-gone': 'compress.replaces-rest',
    'pins-stay': 'compress.pins-stay',
    'tools-stay': 'compress.tools-stay',
    'newest-stay-uncut': 'compress.newest-stay',
    'still-within-budget': 'compress.budget',
  },
  async run(trial) {
    const { api, limits } = trial;
    const { id } = await createSession(api, { tools: [TOOL] });
    await append(api, id, [
      { role: 'system', content: 'Be brief.' },
      { role: 'system', content: 'Be polite.' },
    ]);
    await appendFacts(trial, id, facts(30));
    await append(api, id, { ...user('Never ship on Sundays.'), pinned: true });
    // At the true limits the newest groups alone take thousands of tokens: as many have to be there for the summary.
    const more = Math.ceil((2.2 * limits.min_preserve_tokens) / 20);
    await appendFacts(trial, id, facts(Math.max(30, more)));
    const before = await stateOf(api, id);
    const pins = before.messages.filter(({ pinned }) => pinned);
    const preserve_len = Math.floor(1.1 * limits.min_preserve_tokens);
    const newest = (keptOf(before.messages, preserve_len - before.session.usage.tools_tokens) ?? []).filter(
      ({ pinned }) => !pinned,
    );
    const reply = await api.post(`/sessions/${id}/compress`, { ratio: 1.6, preserve_len });
    const { summary, after } = answered(reply, SessionCompression);
    const { session, messages } = await stateOf(api, id);
    const ids = messages.map((message) => message.id);
    const flagged = messages.filter((message) => message.summary);
    await trial.need('one-system-message', () => {
      equal(
        flagged.map(({ role, pinned }) => [role, pinned]),
        [['system', false]],
        'role and pinned of the summaries',
      );
      holds(contentText(flagged[0]?.content) !== '', 'the summary says something');
    });
    await trial.check('told-in-the-answer', () => {
      equal(summary, flagged[0], 'the summary');
      equal(after, session.usage, 'the usage after');
    });
    await trial.check('behind-leading-pins', () => {
      equal(
        messages.findIndex((message) => message.summary),
        2,
        'the place of the summary, behind two leading pins',
      );
    });
    await trial.check('pins-stay', () =>
      equal(
        messages.filter(({ pinned }) => pinned),
        pins,
        'the pinned messages',
      ),
    );
    await trial.check('tools-stay', () => {
      equal(session.tools, before.session.tools, 'the tools');
      equal(session.usage.tools_tokens, before.session.usage.tools_tokens, 'their tokens');
    });
    await trial.check('newest-stay-uncut', () => {
      equal(
        messages.slice(messages.length - newest.length),
        newest,
        `the newest messages, at most ${preserve_len} tokens`,
      );
    });
    await trial.check('rest-is-gone', () => {
      const known = [...pins, ...newest, ...flagged].map((message) => message.id);
      equal(
        ids.filter((one) => !known.includes(one)),
        [],
        'other messages that are left',
      );
    });
    await trial.check('still-within-budget', () => {
      const most = Math.floor(before.session.usage.total_tokens / 1.6);
      holds(session.usage.total_tokens <= most, `at most ${most} tokens are left, not ${session.usage.total_tokens}`);
    });
  },
});

export const compressAbsorbs = defineCase({
  id: 'compress.absorbs',
  title: 'an earlier summary is absorbed by the next',
  needs: NEEDS,
  checks: { 'one-summary-each-time': 'compress.absorbs', 'another-summary': 'compress.absorbs' },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await appendFacts(trial, id, facts(30));
    const compress = async () => answered(await api.post(`/sessions/${id}/compress`, { ratio: 2 }), SessionCompression);
    const first = await compress();
    await appendFacts(trial, id, facts(24));
    const second = await compress();
    const summaries = (await windowOf(api, id)).filter((message) => message.summary);
    await trial.check('one-summary-each-time', () => equal(summaries.length, 1, 'summaries in the window'));
    await trial.check('another-summary', () => {
      equal(
        summaries.map((one) => one.id),
        [second.summary?.id],
        'the summary in the window',
      );
      holds(first.summary?.id !== second.summary?.id, 'the earlier summary is gone');
    });
  },
});

export const compressFormats = defineCase({
  id: 'compress.formats',
  title: 'a summary is written in the format that is asked for',
  needs: NEEDS,
  checks: {
    outline: 'compress.formats',
    json: 'compress.formats',
    text: 'compress.formats',
    'json-parses': 'compress.json-is-json',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await appendFacts(trial, id, facts(40));
    const written = new Map<string, string>();
    for (const format of ['outline', 'json', 'text'] as const) {
      await trial.check(format, async () => {
        const reply = await api.post(`/sessions/${id}/compress`, { format, ratio: 2, dry_run: true });
        const told = answered(reply, SessionCompression);
        equal(told.format, format, 'the format');
        written.set(format, contentText(told.summary?.content));
        const { size } = new Set(written.values());
        holds(written.get(format) !== '' && size === written.size, 'each format writes a summary of its own');
      });
    }
    await trial.check('json-parses', () => {
      const text = written.get('json') ?? '';
      holds(isJson(text), `the summary is no JSON: ${text.slice(0, 80)}`);
    });
  },
});

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
