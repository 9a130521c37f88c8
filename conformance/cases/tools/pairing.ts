import { LIVE_TEXT } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { chats, complete, send } from '../../wire/completions.ts';
import { result, user } from '../../wire/dialect.ts';
import { declared } from '../../wire/functions.ts';

const ID = 'functions.look_up:0';
const ASKED = user('Call look_up.');
const CALLING = {
  role: 'assistant',
  content: '',
  tool_calls: [{ id: ID, type: 'function', function: { name: 'look_up', arguments: '{}' } }],
};
const TOOLS = [declared('look_up')];

export const toolsPairing = defineCase({
  id: 'tools.pairing',
  title: 'every call needs its result, every result its call',
  needs: ['chat', 'chat.tools'],
  checks: {
    'answered-accepted': 'tools.issued-ids',
    'unanswered-refused': 'tools.unanswered',
    'unanswered-before-user-refused': 'tools.unanswered',
    'other-id-refused': 'tools.orphan',
    'orphan-refused': 'tools.orphan',
  },
  cost: chats(5),
  async run(trial) {
    const refusedWith = async (messages: object[]) => {
      const message = refused(await send(trial, { messages, tools: TOOLS }), 'tool_call_id_not_found');
      equal(message, LIVE_TEXT.toolCallIdNotFound, 'the message');
    };
    await trial.check('unanswered-refused', () => refusedWith([ASKED, CALLING]));
    await trial.check('unanswered-before-user-refused', () => refusedWith([ASKED, CALLING, user('And now?')]));
    await trial.check('other-id-refused', () => refusedWith([ASKED, CALLING, result('functions.look_up:9')]));
    await trial.check('orphan-refused', () => refusedWith([ASKED, result(ID)]));
    await trial.check('answered-accepted', () =>
      complete(trial, { messages: [ASKED, CALLING, result(ID)], tools: TOOLS }),
    );
  },
});
