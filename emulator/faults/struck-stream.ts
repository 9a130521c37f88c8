import { type NextItems, StreamCut } from '../batches.ts';
import type { RequestFaults } from './request-faults.ts';

const NON_ASCII = /[^\0-\x7f]/u;

/** The items of a stream, one by one, slowed down and cut off as the request's faults have it. */
export async function* struckItems<Item>(
  next: NextItems<Item>,
  encode: (item: Item) => string,
  faults: RequestFaults,
): AsyncGenerator<Iterable<Item>, void> {
  const cut = faults.expect('cut_stream');
  let sent = 0;
  const cutHere = () => cut?.effect.after_events === sent && cut.fault.take();
  const cutOff = (head?: Uint8Array<ArrayBuffer>) => new StreamCut(head, cut?.effect.cleanly);
  if (cutHere()) throw cutOff();
  for (let step = await next(); !step.done; step = await next()) {
    for (const item of step.value) {
      if ((await faults.holdEvent()) === 'over') throw new StreamCut();
      const head = cut?.effect.inside_character ? headOfCharacter(encode(item)) : undefined;
      if (head && cut?.fault.take()) throw cutOff(head);
      yield [item];
      sent += 1;
      // Before the next is asked for: what is not sent any more must not take effect.
      if (cutHere()) throw cutOff();
    }
  }
}

/** Takes all items and sends none. */
export async function swallow<Item>(next: NextItems<Item>): Promise<void> {
  for (let step = await next(); !step.done; step = await next()) for (const _ of step.value);
}

/** The text up to the first byte of its first character that takes several. */
function headOfCharacter(text: string): Uint8Array<ArrayBuffer> | undefined {
  const place = text.search(NON_ASCII);
  if (place === -1) return undefined;
  const before = Buffer.byteLength(text.slice(0, place));
  return Buffer.from(text).subarray(0, before + 1);
}
