const SHARE = /shr_[A-Za-z0-9_-]+/g;
const MAX_LENGTH = 1_000;

/** Takes keys and share ids, which let in whoever reads them, out of a text; and cuts a long one. */
export function redactor(keys: readonly string[]): (text: string) => string {
  return (text) => {
    const safe = keys.filter((key) => key !== '').reduce((rest, key) => rest.replaceAll(key, '[key]'), text);
    const short = safe.replace(SHARE, 'shr_[redacted]');
    return short.length > MAX_LENGTH ? `${short.slice(0, MAX_LENGTH)}… (${short.length} characters)` : short;
  };
}
