import { setImmediate as others } from 'node:timers/promises';
import { defineCase } from '../../core/case.ts';
import { equal, holds } from '../../core/expect.ts';
import { createSession, getSession, type Message, user, windowOf } from '../../wire/dialect.ts';
import { stream, toLines, written } from './stream.ts';

const LINES: Message[] = [user('The first line: 汉字 👩‍👧.'), user('The second line.'), user('The third line.')];
/** Cuts characters, escapes and lines wherever it falls. */
const PIECE_BYTES = 5;
/** Looks at the session while a line of it is being written. */
const MAX_LOOKS = 100;

export const linesPieces = defineCase({
  id: 'lines.pieces',
  title: 'a stream is read as it comes',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream'],
  checks: {
    'cut-anywhere': 'lines.same-rules',
    'no-last-line-end': 'lines.last-line-end',
    'stored-at-once': 'lines.committed-at-once',
  },
  cost: () => ({ requests: 40 + LINES.length * MAX_LOOKS }),
  async run(trial) {
    const { api } = trial;
    const contents = LINES.map(({ content }) => content);
    await trial.check('cut-anywhere', async () => {
      const { id } = await createSession(api);
      equal(written(await stream(api, id, pieces(toLines(LINES)))).end.lines, LINES.length, 'the lines counted');
      equal(
        (await windowOf(api, id)).map(({ content }) => content),
        contents,
        'the contents of the window',
      );
    });
    await trial.check('no-last-line-end', async () => {
      const { id } = await createSession(api);
      const text = toLines(LINES).trimEnd();
      equal(written(await stream(api, id, pieces(text))).end.lines, LINES.length, 'the lines counted');
    });
    await trial.check('stored-at-once', async () => {
      const { id } = await createSession(api);
      const stood: number[] = [];
      const standing = async (count: number) => {
        for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
          const { usage } = await getSession(api, id);
          if (usage.messages >= count || stood.includes(-1)) return stood.push(usage.messages);
          // In one process with the server, the write needs its turn.
          await others();
        }
        return stood.push(-1);
      };
      written(await stream(api, id, oneByOne(LINES, standing)));
      const expected = LINES.map((_, index) => index + 1);
      holds(!stood.includes(-1), `each line stands in the window before the next is sent: ${stood.join(', ')}`);
      equal(stood, expected, 'the messages in the window after each line');
    });
  },
});

function pieces(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
    },
  });
}

/** Each line is sent once `sent` has ended for those before. */
function oneByOne(lines: readonly Message[], sent: (count: number) => Promise<unknown>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let count = 0;
  return new ReadableStream({
    async pull(controller) {
      if (count > 0) await sent(count);
      const line = lines[count];
      if (!line) return controller.close();
      controller.enqueue(encoder.encode(toLines([line])));
      count += 1;
    },
  });
}
