import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { createEmulator } from '../../emulator/index.ts';

/**
 * What a request walks through: run as a program, it prints the walks of an append and of a streamed turn as JSON. The
 * functions of our files are given breakpoints whose condition notes the file and stops nowhere.
 */
export interface Walk {
  request: string;
  /** Files in which a function ran, in the order in which they were entered first. */
  files: string[];
  /** How often a function of each file in routes/ was called after the walk had left that file. */
  returns: Record<string, number>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OURS = /^(?:contract|emulator)\//;
/** A connection each: to arm the tracer takes longer than a server keeps one open. */
const KEY = { authorization: 'Bearer walk', 'content-type': 'application/json', connection: 'close' };

declare global {
  var walkedFiles: number[];
}
globalThis.walkedFiles = [];

class Tracer {
  readonly #session = new Session();
  readonly #files: string[] = [];

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  }

  /** Puts a breakpoint at the start of each function that has been compiled so far. */
  arm(): void {
    const { result } = this.#post<{ result: Script[] }>('Profiler.takePreciseCoverage');
    this.#post('Debugger.enable');
    for (const script of result) {
      const path = script.url.startsWith('file://') ? fileURLToPath(script.url).replace(ROOT, '') : '';
      if (!OURS.test(path)) continue;
      const file = this.#files.push(path) - 1;
      const { scriptSource } = this.#post<{ scriptSource: string }>('Debugger.getScriptSource', {
        scriptId: script.scriptId,
      });
      for (const { functionName, ranges } of script.functions) {
        const [range] = ranges;
        const isModule = functionName === '' && range?.startOffset === 0;
        if (range && !isModule) this.#breakAt(script.scriptId, scriptSource, range, file);
      }
    }
  }

  #breakAt(scriptId: string, source: string, range: Range, file: number): void {
    const start = locationOf(scriptId, source, range.startOffset);
    const end = locationOf(scriptId, source, range.endOffset);
    const { locations } = this.#post<{ locations: Location[] }>('Debugger.getPossibleBreakpoints', {
      start,
      end,
      restrictToFunction: true,
    });
    const [location] = locations;
    if (!location) return;
    const condition = `globalThis.walkedFiles.push(${file}), false`;
    this.#post('Debugger.setBreakpoint', { location, condition });
  }

  async walk(request: string, send: () => Promise<unknown>): Promise<Walk> {
    globalThis.walkedFiles = [];
    await send();
    const steps = globalThis.walkedFiles.map((file) => this.#files[file] ?? '');
    return { request, files: [...new Set(steps)], returns: returnsOf(steps) };
  }

  #post<Result = unknown>(method: string, params: object = {}): Result {
    let outcome: { error: Error | null; result: unknown } | undefined;
    this.#session.post(method, params, (error, result) => {
      outcome = { error, result };
    });
    if (!outcome) throw new Error(`${method} did not answer at once`);
    if (outcome.error) throw Object.assign(new Error(`${method}: ${outcome.error.message}`), { cause: outcome.error });
    return outcome.result as Result;
  }
}

interface Range {
  startOffset: number;
  endOffset: number;
}

interface Script {
  scriptId: string;
  url: string;
  functions: { functionName: string; ranges: Range[] }[];
}

interface Location {
  scriptId: string;
  lineNumber: number;
  columnNumber?: number;
}

function locationOf(scriptId: string, source: string, offset: number): Location {
  const before = source.slice(0, offset);
  const lineNumber = before.split('\n').length - 1;
  return { scriptId, lineNumber, columnNumber: offset - (before.lastIndexOf('\n') + 1) };
}

function returnsOf(steps: readonly string[]): Record<string, number> {
  const left = new Set<string>();
  const returns: Record<string, number> = {};
  let current = '';
  for (const step of steps) {
    if (step === current) continue;
    if (left.has(step) && step.startsWith('emulator/routes/')) returns[step] = (returns[step] ?? 0) + 1;
    left.add(current);
    current = step;
  }
  return returns;
}

async function measure(): Promise<Walk[]> {
  const tracer = new Tracer();
  const emulator = createEmulator();
  const { url } = await emulator.listen();
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const response = await fetch(`${url}/v1${path}`, { method: 'POST', headers: KEY, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : { id: '' };
  };
  const { id } = await post('/sessions', {});
  const messages = [{ role: 'user', content: 'Reply with only: hello' }];
  const append = () => post(`/sessions/${id}/messages`, { messages });
  const turn = () =>
    post('/chat/completions', { model: 'kimi-k2-0905-preview', session_id: id, messages, stream: true });
  // Once before, so that what is loaded and made with the first request of its kind does not count.
  await append();
  await turn();
  tracer.arm();
  const walks = [await tracer.walk('append', append), await tracer.walk('streamed session chat', turn)];
  await emulator.close();
  return walks;
}

console.log(JSON.stringify(await measure()));
