import { SessionTruncation } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds } from '../../core/expect.ts';
import { Fault } from '../../core/verdict.ts';
import { type State, windowOf } from '../../wire/dialect.ts';
import { keptOf, tokensIn } from '../../wire/groups.ts';
import { mixedWindow, TOOL } from '../../wire/windows.ts';

export const truncateLongestRun = defineCase({
  id: 'truncate.longest-run',
  title: 'tools and pins stay, and as many of the newest messages as fit to the token',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'exact-fit-stays': 'truncate.keeps-within',
    'kept-as-listed': 'truncate.kept-unchanged',
    'one-token-less-goes': 'truncate.keeps-within',
    'leading-system-stays': 'truncate.pins-stay',
    'pinned-stays': 'truncate.pins-stay',
    'pins-counted': 'truncate.pins-stay',
    'tools-stay': 'truncate.tools-stay',
    'tools-counted': 'truncate.tools-stay',
  },
  async run(trial) {
    const { api } = trial;
    const before = await mixedWindow(trial, { tools: [TOOL] });
    const { id, usage } = before.session;
    const cut = async (preserve_len: number) =>
      answered(await api.post(`/sessions/${id}/truncate`, { preserve_len }), SessionTruncation);
    const { exact, kept } = exactFit(before, trial.limits.min_preserve_tokens);
    const { after } = await cut(exact);
    const messages = await windowOf(api, id);
    const ids = messages.map((message) => message.id);
    const pinned = before.messages.filter((message) => message.pinned);
    const [lead, ...others] = pinned.map((message) => message.id);
    const { tools } = await api.get(`/sessions/${id}`).then((reply) => reply.json as { tools?: unknown });
    await trial.check('leading-system-stays', () => {
      holds(lead !== undefined && ids[0] === lead, 'the leading system message stays at the head');
    });
    await trial.check('pinned-stays', () => {
      holds(others.length > 0 && others.every((one) => ids.includes(one)), 'the message written with a pin stays');
    });
    await trial.check('tools-stay', () => equal(tools, before.session.tools, 'the tools after the cut'));
    await trial.check('exact-fit-stays', () => {
      equal(ids.length, kept.length, `the messages that stay within ${exact} tokens, into which they fit exactly`);
    });
    await trial.check('kept-as-listed', () => equal(messages, kept, 'the messages that stay'));
    const shown = after.total_tokens;
    await trial.check('pins-counted', () => {
      const least = tokensIn(pinned) + usage.tools_tokens;
      holds(shown <= exact, `pins of ${least} tokens count: ${shown} tokens stay, not at most ${exact}`);
    });
    await trial.check('tools-counted', () => {
      equal(after.tools_tokens, usage.tools_tokens, 'tools_tokens after the cut');
      equal(shown, after.tools_tokens + tokensIn(messages), 'total_tokens after the cut');
      holds(shown <= exact, `at most ${exact} tokens stay with the tools, not ${shown}`);
    });
    await trial.check('one-token-less-goes', async () => {
      const less = await cut(exact - 1);
      const expected = keptOf(kept, exact - 1 - usage.tools_tokens);
      equal(
        (await windowOf(api, id)).map((one) => one.id),
        expected?.map((one) => one.id),
        'the messages that stay',
      );
      holds(less.after.total_tokens < exact, `less than ${exact} tokens stay, not ${less.after.total_tokens}`);
    });
  },
});

/** The least `preserve_len` above the minimum that a run of newest groups fits exactly. */
function exactFit({ session, messages }: State, minimum: number): { exact: number; kept: State['messages'] } {
  const { tools_tokens, total_tokens } = session.usage;
  for (let budget = minimum + 1 - tools_tokens; budget < total_tokens; budget += 1) {
    const kept = keptOf(messages, budget);
    if (kept && kept.length < messages.length && tokensIn(kept) === budget) {
      return { exact: budget + tools_tokens, kept };
    }
  }
  throw new Fault('no run of the newest messages is larger than min_preserve_tokens');
}
