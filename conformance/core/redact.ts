const MAX_LENGTH = 1_000;

/** Takes keys and share ids, which let in whoever reads them, out of a text; and cuts a long one. */
export function redactor(keys: Iterable<string>, shares: Iterable<string>): (text: string) => string {
  const secrets = [...named(keys, '[key]'), ...named(shares, '[share]')];
  return (text) => {
    const safe = secrets.reduce((rest, [secret, name]) => rest.replaceAll(secret, name), text);
    return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH)}… (${safe.length} characters)` : safe;
  };
}

function named(secrets: Iterable<string>, name: string): [string, string][] {
  return [...secrets].filter((secret) => secret !== '').map((secret) => [secret, name]);
}
