/** One whole answer. */
export interface WireReply {
  status: number;
  headers: Headers;
  text: string;
}

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

  /** The body as JSON; undefined where it is not JSON. */
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

  /** Its lines of JSON; undefined stands for a line that is not JSON. */
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

/** One server-sent event. */
interface ServerEvent {
  data: string;
  event?: string;
}

/**
 * The events of a text/event-stream body, by the rules of the HTML standard: CR, LF and CRLF end a line, comments are
 * skipped, several `data` lines are one event. What is not ended by an empty line is not an event.
 */
export function parseEvents(text: string): ServerEvent[] {
  const events: ServerEvent[] = [];
  let data: string[] = [];
  let event: string | undefined;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data.length > 0) events.push({ data: data.join('\n'), ...(event !== undefined && { event }) });
      data = [];
      event = undefined;
      continue;
    }
    const { name, value } = fieldOf(line);
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value;
  }
  return events;
}

function fieldOf(line: string): { name: string; value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) return { name: line, value: '' };
  const value = line.slice(colon + 1);
  return { name: line.slice(0, colon), value: value.startsWith(' ') ? value.slice(1) : value };
}
