import { parseEvents } from './events.ts';
import type { WireReply } from './transport.ts';

/** An answer as it came, with what it answers. */
export class Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The request, for messages: `POST /v1/sessions`. */
  readonly what: string;

  constructor(what: string, { status, headers, text }: WireReply) {
    this.what = what;
    this.status = status;
    this.headers = headers;
    this.text = text;
  }

  /** The body as JSON; undefined where it is none. */
  get json(): unknown {
    try {
      return JSON.parse(this.text);
    } catch {
      return undefined;
    }
  }

  /** The data of its events, `[DONE]` included. */
  get events(): string[] {
    return parseEvents(this.text).map(({ data }) => data);
  }

  /** Its lines of JSON; undefined stands for a line that is none. */
  get lines(): unknown[] {
    const lines = this.text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => {
      try {
        return JSON.parse(line);
      } catch {
        return undefined;
      }
    });
  }
}
