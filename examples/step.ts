import type { InputMessage } from '../contract/messages.ts';

/** One thing that happens in a conversation. `ends`: a good place to turn to something else. */
export type Step = (
  | { /** Written into the session as it is, without an answer. */ append: InputMessage }
  | { /** Said by the user: a round of the loop. */ ask: string }
) & { ends?: boolean };
