/** A format of JSON Schema: what its texts look like, and texts of it to fill in, one for each number. */
interface TextFormat {
  test: (text: string) => boolean;
  example: (variant: number) => string;
}

const two = (value: number): string => String(value).padStart(2, '0');
const hex = (variant: number, digits: number): string => variant.toString(16).padStart(digits, '0');
const by =
  (pattern: RegExp) =>
  (text: string): boolean =>
    text.length <= 512 && pattern.test(text);

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;
const HOSTNAME = /^(?=.{1,253}$)[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?){0,10}$/i;
const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;
const DURATION = /^P(?=\w)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)$/;

const isDate = (text: string): boolean =>
  DATE.test(text) && new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10) === text;

function isDateTime(text: string): boolean {
  const [date = '', time = ''] = text.split(/[Tt]/);
  return text.length <= 64 && isDate(date) && TIME.test(time);
}

const isUri = (text: string): boolean => /^[a-z][a-z\d+.-]*:\S+$/i.test(text) && URL.canParse(text);

/** Texts to fill in use the names and addresses that are reserved for documentation (RFC 2606, 5737, 3849). */
const FORMATS: Record<string, TextFormat> = {
  date: { test: isDate, example: (variant) => new Date(variant * 86_400_000).toISOString().slice(0, 10) },
  'date-time': { test: isDateTime, example: (variant) => `${new Date(variant * 1_000).toISOString().slice(0, 19)}Z` },
  time: { test: by(TIME), example: (variant) => `${two(Math.floor(variant / 60) % 24)}:${two(variant % 60)}:00Z` },
  duration: { test: by(DURATION), example: (variant) => `PT${variant}S` },
  email: {
    test: by(/^[^\s@"<>]{1,64}@[a-z\d-]+(\.[a-z\d-]+)+$/i),
    example: (variant) => `not.found${variant || ''}@example.com`,
  },
  hostname: { test: by(HOSTNAME), example: (variant) => (variant ? `host${variant}.example.com` : 'example.com') },
  ipv4: { test: by(IPV4), example: (variant) => `192.0.2.${1 + (variant % 254)}` },
  ipv6: {
    test: (text) => text.length <= 45 && URL.canParse(`http://[${text}]/`),
    example: (variant) => `2001:db8::${(variant + 1).toString(16)}`,
  },
  uri: { test: isUri, example: (variant) => `https://example.com/${variant || ''}` },
  url: { test: isUri, example: (variant) => `https://example.com/${variant || ''}` },
  'uri-reference': { test: by(/^[^\s\\]*$/), example: (variant) => `/${variant || ''}` },
  uuid: {
    test: by(/^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i),
    example: (variant) => `00000000-0000-4000-8000-${hex(variant, 12)}`,
  },
  'json-pointer': { test: by(/^(\/([^~]|~[01])*)?$/), example: (variant) => `/${variant || ''}` },
  regex: { test: () => true, example: (variant) => (variant ? `a{${variant}}` : 'a') },
};

/** The format of a name, if it is known. */
export const textFormat = (name: unknown): TextFormat | undefined =>
  typeof name === 'string' && Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
