import { useEffect, useState } from 'preact/hooks';

/** Where the page is: all of it stands in the URL, so that a view can be sent to somebody. */
export interface Route {
  /** Such as `['session', 'sess_1']`. */
  path: readonly string[];
  query: Readonly<Record<string, string>>;
}

function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decode), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function href(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const set = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const text = new URLSearchParams(set).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

/** At once, so that of keys that follow one another each finds what the one before has done. */
function move(to: string, how: 'pushState' | 'replaceState'): void {
  history[how](null, '', to);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function go(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): void {
  move(href(path, query), 'pushState');
}

/** Changes members of the query. @param replace leaves no entry in the browser's history, as for a key that is typed */
export function change(route: Route, query: Readonly<Record<string, string | undefined>>, replace = false): void {
  move(href(route.path, { ...route.query, ...query }), replace ? 'replaceState' : 'pushState');
}

/** Of a list in the query, with an entry more, or less. */
export function toggled(list: string | undefined, entry: string): string {
  const next = new Set(listed(list));
  if (!next.delete(entry)) next.add(entry);
  return [...next].join(',');
}

export function listed(list: string | undefined): string[] {
  return (list ?? '').split(',').filter(Boolean);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const update = (): void => setRoute(parse(location.hash));
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return route;
}
