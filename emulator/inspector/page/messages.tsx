import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type At, type MessageLine, PAGE_MESSAGES as PAGE, type TextPart, type WindowPage } from '../answers.ts';
import { read } from './api.ts';
import { count, Problem, Text } from './parts.tsx';

/** Pages of a window that are kept: enough to scroll back and forth. */
const MOST_PAGES = 120;

/** The messages of a window, read page by page as they come into view. */
export class WindowSource {
  readonly session: string;
  readonly at: At;
  readonly #onLoad: () => void;
  readonly #pages = new Map<number, MessageLine[] | undefined>();
  head: WindowPage | undefined;
  error: string | undefined;

  constructor(session: string, at: At, onLoad: () => void) {
    this.session = session;
    this.at = at;
    this.#onLoad = onLoad;
  }

  /** The page that was looked at last. */
  get lastPage(): number {
    return [...this.#pages.keys()].at(-1) ?? 0;
  }

  get path(): string {
    return `/sessions/${encodeURIComponent(this.session)}`;
  }

  /** The message at a place; undefined where it is being read. */
  message(index: number): MessageLine | undefined {
    const page = Math.floor(index / PAGE);
    const known = this.#pages.get(page);
    if (!this.#pages.has(page)) void this.load(page);
    else if (known) {
      this.#pages.delete(page);
      this.#pages.set(page, known);
    }
    return known?.[index % PAGE];
  }

  /** @param first number of its first page */
  fill(found: WindowPage, first = Math.floor((found.items[0]?.index ?? 0) / PAGE)): void {
    this.head = found;
    for (let at = 0; at === 0 || at < found.items.length; at += PAGE) {
      this.#pages.set(first + at / PAGE, found.items.slice(at, at + PAGE));
    }
  }

  async load(page: number): Promise<void> {
    this.#pages.set(page, undefined);
    try {
      const query = `at=${encodeURIComponent(this.at)}&from=${page * PAGE}&limit=${PAGE}`;
      this.fill(await read<WindowPage>(`${this.path}/window?${query}`), page);
      for (const oldest of this.#pages.keys()) {
        if (this.#pages.size <= MOST_PAGES) break;
        this.#pages.delete(oldest);
      }
    } catch (error) {
      this.error = (error as Error).message;
    }
    this.#onLoad();
  }
}

/**
 * A window of a session at a moment. While its next version is read the one before stays.
 * @param fresh a page of that version, where it has come already
 */
export function useWindow(session: string, at: At, version: unknown, fresh?: WindowPage): WindowSource | undefined {
  const [source, setSource] = useState<WindowSource>();
  const [, update] = useState(0);
  useEffect(() => {
    let left = false;
    const next: WindowSource = new WindowSource(session, at, () => {
      if (left) return;
      setSource(next);
      update((n) => n + 1);
    });
    // What is looked at is most likely what was looked at before.
    if (fresh && fresh.version === version) {
      next.fill(fresh);
      setSource(next);
    } else void next.load(source?.session === session ? source.lastPage : 0);
    return () => {
      left = true;
    };
  }, [session, at, version]);
  return source;
}

interface MessageProps {
  source: WindowSource;
  line: MessageLine | undefined;
  open: boolean;
  selected?: boolean;
  /** Whether it belongs to the group of the message before it. */
  joined?: boolean;
  what?: string;
  mark?: readonly string[] | undefined;
  /** Whether its reasoning is unfolded. */
  reasons?: boolean;
  onToggle(): void;
  onReasons?: () => void;
  onPin?: ((line: MessageLine) => void) | undefined;
}

/** A message. It is made anew only where something of it has changed, as a list is drawn at each step of scrolling. */
export function Message(props: MessageProps) {
  const { source, line, open, selected, joined, what, mark, reasons } = props;
  const latest = useRef(props);
  latest.current = props;
  return useMemo(
    () => (
      <MessageBlock
        {...latest.current}
        onToggle={() => latest.current.onToggle()}
        onReasons={() => latest.current.onReasons?.()}
        onPin={latest.current.onPin && ((pinned) => latest.current.onPin?.(pinned))}
      />
    ),
    [source, line, open, selected, joined, what, mark?.join(' '), reasons],
  );
}

/** A heading with its tokens, and the text: its first two lines until it is opened. */
function MessageBlock(props: MessageProps) {
  const { source, line, open, selected, joined, what, mark, reasons = false, onToggle, onReasons, onPin } = props;
  if (!line) return <div class="message folded" aria-hidden="true" />;
  const { role, tokens, pinned, held, truncated, summary, text, length, calls, answers, media, reasoning } = line;
  const flags = [pinned ? 'pinned' : held && 'kept by a pin', truncated && 'cut at its head', summary && 'summary'];
  return (
    <article
      class={['message', role, what, joined && 'joined', selected && 'selected', !open && 'folded']
        .filter(Boolean)
        .join(' ')}
    >
      <header>
        <button type="button" class="role" aria-expanded={open} onClick={onToggle}>
          {what && <b class="what">{what} </b>}
          <span class="number">{line.index >= 0 ? `#${line.index + 1}` : ''}</span> {role}
        </button>
        {answers !== null && (
          <span class="quiet">
            answers <Text>{answers}</Text>
          </span>
        )}
        {flags.filter(Boolean).map((flag) => (
          <span key={flag} class="flag">
            {flag}
          </span>
        ))}
        {reasoning !== '' && !open && <span class="flag">reasoning {count(line.reasoning_tokens)}</span>}
        {media.map((kind, place) => (
          <span key={place} class="flag">
            <Text>{kind}</Text>
          </span>
        ))}
        {onPin && open && (
          <button type="button" class="small" onClick={() => onPin(line)}>
            {pinned ? 'Unpin' : 'Pin'}
          </button>
        )}
        <span class="tokens">{count(tokens)}</span>
      </header>
      {reasoning !== '' && open && (
        <details open={reasons} onToggle={({ currentTarget }) => currentTarget.open !== reasons && onReasons?.()}>
          <summary>reasoning, {count(line.reasoning_tokens)} tokens</summary>
          <FullText
            source={source}
            line={line}
            field="reasoning"
            beginning={reasoning}
            length={line.reasoning_length}
            open
          />
        </details>
      )}
      {text !== '' && (
        <FullText source={source} line={line} field="text" beginning={text} length={length} open={open} mark={mark} />
      )}
      {calls.map((call, place) => (
        <div key={call.id} class="call">
          <span>
            calls{' '}
            <b>
              <Text>{call.name}</Text>
            </b>{' '}
            <span class="quiet">
              <Text>{call.id}</Text>
            </span>
          </span>
          <FullText
            source={source}
            line={line}
            field={String(place)}
            beginning={call.arguments}
            length={call.length}
            open={open}
          />
        </div>
      ))}
    </article>
  );
}

interface FullTextProps {
  source: WindowSource;
  line: MessageLine;
  field: string;
  beginning: string;
  length: number;
  open: boolean;
  mark?: readonly string[] | undefined;
}

/** A text: its beginning, all of a short one once it is opened, and of a long one part by part. */
function FullText({ source, line, field, beginning, length, open, mark }: FullTextProps) {
  const [text, setText] = useState(beginning);
  const [error, setError] = useState<string>();
  const identity = useRef('');
  const key = `${line.id} ${field} ${length}`;
  if (identity.current !== key) {
    identity.current = key;
    if (text !== beginning) setText(beginning);
  }
  const more = (): void => {
    const from = text === beginning ? 0 : text.length;
    const place = line.entry === undefined ? `index=${line.index}` : `entry=${line.entry}`;
    const query = `at=${encodeURIComponent(source.at)}&${place}&field=${field}&from=${from}`;
    read<TextPart>(`${source.path}/text?${query}`).then(
      (part) => {
        if (identity.current === key) setText(from === 0 ? part.text : text + part.text);
      },
      (problem: Error) => setError(problem.message),
    );
  };
  const isWhole = text.length >= length || (line.index < 0 && line.entry === undefined);
  useEffect(() => {
    if (open && !isWhole) more();
  }, [open]);
  return (
    <>
      <pre class={open ? 'text' : 'text folded'} tabIndex={open ? 0 : undefined}>
        <Text mark={mark}>{open ? text : beginning}</Text>
      </pre>
      <Problem text={error} />
      {open && !isWhole && text !== beginning && (
        <button type="button" class="small" onClick={more}>
          Show more: {count(text.length)} of {count(length)} characters
        </button>
      )}
    </>
  );
}
