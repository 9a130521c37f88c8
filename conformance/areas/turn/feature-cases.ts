import type { Capability } from '../../../contract/capabilities.ts';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Inconclusive } from '../../core/verdict.ts';
import { fullSession, WINDOW_STATES } from '../../tables/states.ts';
import { sendTurn, TURN_MODES, type Turn, type TurnMode, turnAs } from '../../tables/turns.ts';
import { modelUnderTest, promptOverhead, turnRoom } from '../../wire/model.ts';
import { idOf, type State, toolCall, toolResult, user } from '../../wire/sessions.ts';
import { appendFacts, estimateTokens, facts, fillWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';
import { ordering } from './case-support.ts';
import {
  ASKING,
  FEATURES,
  type Feature,
  FORECAST,
  judgeCounted,
  judgeSession,
  judgeStored,
  MUST_CALL,
} from './features.ts';

const TRIES = 3;

/** What a feature asks for, as the model takes it: with a budget for what it thinks before, and no call forced where that is refused. */
function asked({ target, texts }: CaseContext<string>, more: object = {}): object {
  const { mustCall } = modelUnderTest(target.model);
  const entries = Object.entries(more).map(([field, value]) => {
    if (typeof value === 'number' && field.startsWith('max_')) return [field, value + texts.overhead.answer];
    return [field, field === 'tool_choice' && value === 'required' ? mustCall : value];
  });
  return Object.fromEntries(entries);
}

function featureCase(mode: TurnMode): Case {
  const features = Object.entries(FEATURES);
  const needs = new Set(features.flatMap(([, feature]) => feature.needs ?? []));
  return defineCase<string>({
    id: `turn.features-${mode.name}`,
    title: `what turns of every kind store and count, answered ${mode.name}`,
    needs: ['sessions', 'sessions.append', 'chat', 'tokens.estimate', ...mode.needs, ...needs],
    checks: Object.fromEntries(
      features.flatMap(([name, { rule }]): [string, WireRuleId][] => [
        [`${name}-stored`, rule],
        [`${name}-counted`, name === 'text' ? 'turn.reply-tokens' : 'turn.usage'],
        [`${name}-session`, mode.needs.length > 0 ? 'turn.stream-session' : 'turn.session'],
      ]),
    ),
    cost: () => ({
      requests: 16 * features.length,
      promptTokens: 512 * features.length,
      completionTokens: 64 * features.length,
    }),
    async run({ api, check }, context) {
      for (const [name, feature] of features) {
        let [before, after] = [undefined, undefined] as [State | undefined, State | undefined];
        let turn: Turn | undefined;
        const attempt = async () => {
          const { id } = await api.createSession({ title: 'Kept', messages: [user('Hello.')], ...feature.fields });
          before = await api.stateOf(id);
          turn = await turnAs(mode, context, id, feature.messages, asked(context, feature.more));
          after = await api.stateOf(id);
          expectSuccess(await api.delete(`/sessions/${id}`));
        };
        await check(`${name}-stored`, async () => {
          for (let tries = 0; tries < TRIES; tries += 1) {
            await attempt();
            if (turn && (feature.met?.(turn) ?? true)) break;
          }
          if (!turn || !before || !after) return;
          if (!(feature.met?.(turn) ?? true))
            throw new Inconclusive(`the model could not be made to do it: ${turn.content}`);
          await judgeStored(turn, feature, before, after);
        });
        await check(`${name}-counted`, () => {
          if (turn && before && after) return judgeCounted(context, turn, feature, before, after);
          throw new Inconclusive('the turn was not answered');
        });
        await check(`${name}-session`, () => {
          if (turn && before && after) return judgeSession(turn, before, after);
          throw new Inconclusive('the turn was not answered');
        });
      }
    },
  });
}

/** A turn in a window of every state counts all of it, once. */
function stateTurnCase(mode: TurnMode): Case {
  const states = WINDOW_STATES.filter(({ name }) => name !== 'calls-open');
  return defineCase<string>({
    id: `turn.states-${mode.name}`,
    title: `a turn in a window of every state, answered ${mode.name}`,
    needs: [
      'sessions',
      'sessions.append',
      'sessions.snapshot',
      'sessions.fork',
      'chat',
      'tokens.estimate',
      ...mode.needs,
      ...new Set(states.flatMap((state) => state.needs)),
    ],
    checks: Object.fromEntries(
      states.flatMap(({ name }): [string, WireRuleId][] => [
        [name, 'turn.prompt-tokens'],
        [`${name}-forked`, 'turn.prompt-tokens'],
      ]),
    ),
    cost: () => ({
      requests: 40 * states.length,
      promptTokens: 4_096 * states.length,
      completionTokens: 64 * states.length,
    }),
    async run({ api }, context) {
      const feature: Feature = {
        rule: 'turn.stored',
        messages: [ordering('Yes.')],
        more: { tool_choice: 'none' },
        tools: [TOOL],
      };
      for (const state of states) {
        const id = await fullSession(context);
        await state.enter(context, id);
        const { id: snapshot_id } = await api.createSnapshot(id);
        const fork = await api.createSession({ snapshot_id });
        for (const [check, session] of [
          [state.name, id],
          [`${state.name}-forked`, fork.id],
        ] as const) {
          await context.check(check, async () => {
            const before = await api.stateOf(session);
            const turn = await turnAs(mode, context, session, feature.messages, feature.more);
            const after = await api.stateOf(session);
            await judgeStored(turn, feature, before, after);
            await judgeCounted(context, turn, feature, before, after);
          });
          expectSuccess(await api.delete(`/sessions/${session}`));
        }
      }
    },
  });
}

const TOOLINGS: Readonly<Record<string, object>> = {
  'session-tools': {},
  'same-tools': { tools: [TOOL] },
  'other-tools': { tools: [OTHER_TOOL, TOOL] },
  'no-tools': { tools: [] },
};
const ROOM = 160;

/** A turn at the brim of the window, whatever tools stand in it. */
function brimCase(mode: TurnMode): Case {
  const names = Object.keys(TOOLINGS);
  return defineCase<string>({
    id: `turn.brim-${mode.name}`,
    title: `a turn that fills the window with its tools, answered ${mode.name}`,
    needs: [
      'sessions',
      'sessions.append',
      'sessions.snapshot',
      'sessions.rollback',
      'chat',
      'chat.tools',
      'tokens.estimate',
      ...mode.needs,
    ],
    checks: Object.fromEntries(
      names.flatMap((name): [string, WireRuleId][] => [
        [`${name}-exact`, 'turn.window'],
        [`${name}-over`, 'turn.window'],
      ]),
    ),
    cost: ({ window_tokens, append_tokens }) => ({
      requests: 60 + 3 * Math.ceil(window_tokens / append_tokens),
      promptTokens: names.length * window_tokens,
      completionTokens: names.length * 2 * ROOM,
    }),
    async run({ api, limits, texts, check }, context) {
      const window = limits.window_tokens;
      const { overhead } = texts;
      const { id } = await api.createSession({ tools: [TOOL] });
      await fillWindow(context, id, window - ROOM);
      const { snapshot_id } = await api.createSnapshot(id);
      const messages = [ordering('Yes.')];
      const count = (more: object) => estimateTokens(context, { messages, ...more });
      const { usage } = (await api.stateOf(id)).session;
      for (const [name, more] of Object.entries(TOOLINGS)) {
        const tools = (await count({ tools: [TOOL], ...more })) - (await count({}));
        const written = usage.total_tokens - usage.tools_tokens + tools + (await count({})) - overhead.estimate;
        const choice = name === 'no-tools' ? {} : { tool_choice: 'none' };
        const most = window - written - turnRoom(overhead, choice, 0);
        const send = (max_tokens: number) =>
          sendTurn(context, id, messages, {
            ...choice,
            ...more,
            ...mode.fields,
            max_tokens,
          });
        const before = await api.stateOf(id);
        await check(`${name}-over`, async () => {
          const text = expectError(await send(most + 1), 'context_window_exceeded');
          expectEqual(text, LIVE_TEXT.windowExceeded(window, window + 1), 'the message');
          await api.expectUnchanged(before);
        });
        await check(`${name}-exact`, async () => {
          const due = written + promptOverhead(overhead, choice, 0);
          expectEqual(mode.read(await send(most)).usage.prompt_tokens, due, 'the tokens of the prompt');
        });
        expectSuccess(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
      }
    },
  });
}

interface Between {
  needs: readonly Capability[];
  run(context: CaseContext<string>, id: string, snapshot_id: string): Promise<unknown>;
}

/** What may happen between two calls: none of it makes their numbers begin again. */
const BETWEEN: Readonly<Record<string, Between>> = {
  append: { needs: [], run: ({ api }, id) => api.append(id, user('And on.')) },
  'written-call': {
    needs: [],
    run: ({ api }, id) =>
      api.append(id, [toolCall('functions.get_forecast:7'), toolResult('functions.get_forecast:7')]),
  },
  tools: {
    needs: [],
    async run({ api }, id) {
      expectSuccess(await api.post(`/sessions/${id}`, { tools: [] }));
      expectSuccess(await api.post(`/sessions/${id}`, { tools: FORECAST }));
    },
  },
  truncate: {
    needs: ['sessions.truncate', 'tokens.estimate'],
    async run(context, id) {
      const least = context.limits.min_preserve_tokens;
      await fillWindow(context, id, 3 * least, Math.floor(least / 2));
      expectSuccess(await context.api.post(`/sessions/${id}/truncate`, { preserve_len: 2 * least }));
    },
  },
  compress: {
    needs: ['sessions.compress'],
    async run(context, id) {
      await appendFacts(context, id, facts(24));
      expectSuccess(await context.api.post(`/sessions/${id}/compress`, { ratio: 1.5 }));
    },
  },
  rollback: {
    needs: ['sessions.rollback', 'sessions.snapshot'],
    async run({ api }, id, snapshot_id) {
      expectSuccess(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
    },
  },
};

function callNumbersCase(mode: TurnMode): Case {
  const cells = Object.entries(BETWEEN);
  return defineCase<string>({
    id: `turn.call-numbers-${mode.name}`,
    title: `calls are numbered over the life of a session, answered ${mode.name}`,
    needs: [
      'sessions',
      'sessions.append',
      'sessions.snapshot',
      'chat',
      'chat.tools',
      ...mode.needs,
      ...new Set(cells.flatMap(([, { needs }]) => needs)),
    ],
    checks: {
      first: 'turn.call-ids',
      ...Object.fromEntries(cells.map(([name]) => [name, 'turn.call-ids'])),
    },
    // Two turns in each cell, and the first of all.
    cost: () => ({
      requests: 24 * cells.length,
      promptTokens: 8_192,
      completionTokens: 64 * (2 * cells.length + 1),
      answers: 2 * cells.length + 1,
    }),
    async run({ api, check }, context) {
      const called = async (id: string, from: number) => {
        const { calls, finish } = await turnAs(mode, context, id, ASKING, asked(context, MUST_CALL));
        expectTrue(calls.length > 0, `a turn that must call something ends with ${finish} and calls nothing`);
        numbered(calls, from);
        for (const call of calls) await api.append(id, toolResult(call.id, 'sunny'));
        return calls.length;
      };
      const numbered = (calls: Turn['calls'], from: number) => {
        const due = calls.map((call, place) => `functions.${call.function.name}:${from + place}`);
        expectEqual(calls.map(idOf), due, 'the ids of the calls');
      };
      for (const [name, between] of cells) {
        const { id } = await api.createSession({ tools: FORECAST, messages: [user('Hello.')] });
        const { id: snapshot_id } = await api.createSnapshot(id);
        if (name === 'append') {
          await check('first', async () => {
            const other = await api.createSession({ tools: FORECAST });
            await called(other.id, 0);
          });
        }
        await check(name, async () => {
          const first = await called(id, 0);
          await between.run(context, id, snapshot_id);
          await called(id, first);
        });
        expectSuccess(await api.delete(`/sessions/${id}`));
      }
    },
  });
}

const MODES = TURN_MODES.slice(0, 2);

export const FEATURE_CASES: readonly Case[] = [
  ...TURN_MODES.map(featureCase),
  ...MODES.flatMap((mode) => [stateTurnCase(mode), brimCase(mode), callNumbersCase(mode)]),
];
