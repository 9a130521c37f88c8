import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Overview, SessionLine } from '../answers.ts';
import type { Live } from './api.ts';

const GROUPED = new Intl.NumberFormat('en-US');

export function count(figure: number): string {
  return GROUPED.format(figure);
}

/** `1 message`, `2 messages`. */
export function counted(figure: number, noun: string): string {
  return `${count(figure)} ${noun}${figure === 1 ? '' : 's'}`;
}

export function money(figure: number, currency: string): string {
  return `${figure === 0 ? '0' : figure.toFixed(figure < 0.01 ? 6 : 4)} ${currency}`;
}

export function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(11, 19);
}

export function dateOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('T', ' ').slice(0, 19);
}

/** Characters that show nothing and change how others are read, by name. */
const NAMES: Readonly<Record<string, string>> = {
  '\u0000': 'NUL',
  '\u001b': 'ESC',
  '\u061c': 'ALM',
  '\u200b': 'ZWSP',
  '\u200e': 'LRM',
  '\u200f': 'RLM',
  '\u202a': 'LRE',
  '\u202b': 'RLE',
  '\u202c': 'PDF',
  '\u202d': 'LRO',
  '\u202e': 'RLO',
  '\u2066': 'LRI',
  '\u2067': 'RLI',
  '\u2068': 'FSI',
  '\u2069': 'PDI',
  '\ufeff': 'BOM',
};
/** Controls, and what is not seen: joiners of letters and variants of a character are part of what is. */
const HIDDEN = new RegExp(
  `([${[
    String.raw`\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f`,
    String.raw`\u2028-\u202e\u2060-\u2069\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}`,
  ].join('')}])`,
  'u',
);

/**
 * Text of a transcript: never markup, and with its hidden characters shown in place of what they would do.
 * @param mark texts that are marked in it, whatever their case
 */
export function Text({ children, mark }: { children: string; mark?: readonly string[] | undefined }) {
  const marked = markPattern(mark);
  return (
    <bdi>
      {children.split(HIDDEN).map((part, place) => {
        if (place % 2 === 0)
          return marked ? part.split(marked).map((piece, at) => (at % 2 === 0 ? piece : <mark>{piece}</mark>)) : part;
        const code = `U+${(part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
        return (
          <span class="hidden-character" title={code}>
            {NAMES[part] ?? code}
          </span>
        );
      })}
    </bdi>
  );
}

function markPattern(mark: readonly string[] = []): RegExp | undefined {
  const wanted = mark.filter(Boolean).map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`));
  return wanted.length === 0 ? undefined : new RegExp(`(${wanted.join('|')})`, 'iu');
}

const SHARES = ['tools', 'pins', 'summary', 'messages'] as const;

/** A window to scale: what stands in it, what is free, and where it was cut last. */
export function Bar({ line, widest }: { line: SessionLine; widest: number }) {
  const { shares, window, cut_at: cutAt } = line;
  const percent = (tokens: number) => `${(100 * tokens) / window}%`;
  const says = [...SHARES, 'free' as const].map((name) => `${name} ${count(shares[name])}`);
  if (cutAt !== null) says.push(`cut last at ${count(cutAt)}`);
  return (
    <div
      class="bar"
      role="img"
      aria-label={says.join(', ')}
      title={says.join(' · ')}
      style={{ width: `${(100 * window) / widest}%` }}
    >
      {SHARES.map((name) => shares[name] > 0 && <i key={name} class={name} style={{ width: percent(shares[name]) }} />)}
      {cutAt !== null && <b style={{ left: percent(Math.min(cutAt, window)) }} />}
    </div>
  );
}

export function Legend() {
  return (
    <p class="legend">
      {[...SHARES, 'free'].map((name) => (
        <span key={name}>
          <i class={name} />
          {name}
        </span>
      ))}
      <span>
        <b />
        cut last
      </span>
    </p>
  );
}

interface VirtualOptions {
  count: number;
  size: number;
  /** Whether rows are measured, as they have heights of their own. */
  measured?: boolean;
}

/** The rows of a long list that are to be seen. */
export function useVirtual(scroller: RefObject<HTMLElement>, { count: rows, size, measured = false }: VirtualOptions) {
  const [, update] = useReducer((n: number) => n + 1, 0);
  const [virtualizer] = useState(
    () =>
      new Virtualizer<HTMLElement, HTMLElement>({
        count: 0,
        getScrollElement: () => scroller.current,
        estimateSize: () => size,
        scrollToFn: elementScroll,
        observeElementRect,
        observeElementOffset,
        overscan: 6,
        onChange: () => update(0),
      }),
  );
  virtualizer.setOptions({ ...virtualizer.options, count: rows });
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return {
    virtualizer,
    total: virtualizer.getTotalSize(),
    rows: virtualizer.getVirtualItems(),
    place: (start: number): JSX.CSSProperties => ({
      transform: `translateY(${start}px)`,
      ...(!measured && { height: `${size}px` }),
    }),
  };
}

type Keys = Readonly<Record<string, (() => void) | false | undefined>>;

/** Keys of the page, which do nothing while something is typed or asked. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  // At once: the next key may follow before the browser has painted.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const { target } = event;
      const types = target instanceof HTMLElement && target.matches('input, textarea, select');
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
      if (types) {
        if (event.key === 'Escape') target.blur();
        return;
      }
      const presses = target instanceof HTMLElement && target.matches('button, a, summary') && event.key === 'Enter';
      const work = latest.current[event.key];
      if (!work || presses) return;
      event.preventDefault();
      work();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

/** A box over the page. Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
    // What is asked for first, so that Enter does it; else the browser takes the first button, which cancels.
    element.current?.querySelector<HTMLElement>('form input, [type="submit"]')?.focus();
  }, []);
  return (
    <dialog ref={element} onClose={onClose} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}

/** What an action is, and what it will change, to be said before it is carried out. */
export interface Ask {
  title: string;
  says: string;
  /** On the button. */
  verb: string;
  /** A text that may be given, such as a name. */
  field?: { label: string; value: string };
  run(text: string): Promise<string>;
}

export function AskDialog({ ask, onClose }: { ask: Ask; onClose: (done: string | undefined) => void }) {
  const [text, setText] = useState(ask.field?.value ?? '');
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    ask.run(text).then(onClose, (error: Error) => {
      setProblem(error.message);
      setBusy(false);
    });
  };
  return (
    <Dialog title={ask.title} onClose={() => onClose(undefined)}>
      <form onSubmit={submit}>
        <p>{ask.says}</p>
        {ask.field && (
          <label>
            {ask.field.label}
            <input value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
        )}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={() => onClose(undefined)}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {ask.verb}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** Code to be copied, in several languages. */
export function CopyDialog({ snippets, onClose }: { snippets: Record<string, string>; onClose: () => void }) {
  const [copied, setCopied] = useState<string>();
  return (
    <Dialog title="Copy as code" onClose={onClose}>
      {Object.entries(snippets).map(([language, code]) => (
        <section key={language} class="snippet">
          <h3>
            {language}
            <button
              type="button"
              onClick={({ currentTarget }) => {
                // A browser has a clipboard on loopback and over HTTPS only; elsewhere the text is selected.
                const clipboard = navigator.clipboard as Clipboard | undefined;
                const shown = currentTarget.closest('section')?.querySelector('pre');
                if (clipboard) void clipboard.writeText(code).then(() => setCopied(language));
                else if (shown) getSelection()?.selectAllChildren(shown);
              }}
            >
              {copied === language ? 'copied' : 'Copy'}
            </button>
          </h3>
          <pre tabIndex={0}>
            <Text>{code}</Text>
          </pre>
        </section>
      ))}
      <p class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </p>
    </Dialog>
  );
}

interface SearchProps {
  label: string;
  value: string;
  placeholder?: string;
  input: RefObject<HTMLInputElement>;
  onType(text: string): void;
}

/** A field whose list is made anew with each letter. */
export function Search({ label, value, placeholder, input, onType }: SearchProps) {
  return (
    <label>
      <span>{label}</span>
      <input
        ref={input}
        type="search"
        value={value}
        {...(placeholder !== undefined && { placeholder })}
        onInput={(event) => onType(event.currentTarget.value)}
      />
    </label>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Problem({ text }: { text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <p class="problem" role="alert">
      <Text>{text}</Text>
    </p>
  );
}

/** What every part of the page is given. */
export interface Page {
  overview: Overview;
  live: Live;
  ask(ask: Ask): void;
  copy(snippets: Record<string, string>): void;
  /** A line that goes away by itself. */
  say(line: string): void;
}
