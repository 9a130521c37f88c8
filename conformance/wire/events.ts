/** One server-sent event. */
export interface ServerEvent {
  data: string;
  event?: string;
}

/**
 * The events of a text/event-stream body, by the rules of the HTML standard: CR, LF and CRLF end a line, comments are
 * skipped, several `data` lines are one event. What is not ended by an empty line is no event.
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
