import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KIMI_K2 } from '../engines/tokens/known-vocabularies.ts';
import { INSTALLED_FILE, MAX_FILE_BYTES } from '../engines/tokens/open-tokenizer.ts';
import { sha256 } from '../engines/tokens/sha256.ts';
import { TokenizerFileError } from '../engines/tokens/tokenizer-file-error.ts';
import { type Environment, userDataFolder } from '../engines/tokens/user-folders.ts';
import { writeAtomically } from '../engines/tokens/write-atomically.ts';

/** Moonshot's own release of the model (MIT licence), 2025-09; looked up 2026-11. */
export const KIMI_K2_URL = 'https://huggingface.co/moonshotai/Kimi-K2-Instruct-0905/resolve/main/tiktoken.model';
const BY_HAND = `get tiktoken.model from ${KIMI_K2_URL} elsewhere, then run: kimi-emulator tokenizer --install FILE`;
const DOWNLOAD_MS = 120_000;
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;

export interface InstallOptions {
  env?: Environment;
  /** Default: the user's data folder. */
  dataDir?: string;
  fetch?: typeof globalThis.fetch;
}

/**
 * Puts Kimi's vocabulary where `openTokenizer` finds it without being told, and returns that path. Nothing is written unless
 * the file is Moonshot's to the byte.
 * @param source a file or an http(s) URL; default: Moonshot's published file
 * @throws TokenizerFileError that says in one line what failed and what to do
 */
export async function installTokenizer(source = KIMI_K2_URL, options: InstallOptions = {}): Promise<string> {
  const { env = process.env, dataDir = userDataFolder(env), fetch = globalThis.fetch } = options;
  const file = /^https?:\/\//i.test(source) ? await download(source, fetch) : await readLocal(source);
  const found = sha256(file);
  if (found !== KIMI_K2.sha256) {
    throw new TokenizerFileError(
      `${source} is not Kimi's vocabulary: its sha256 is ${found} where ${KIMI_K2.sha256} is expected; nothing was installed`,
    );
  }
  const path = join(dataDir, INSTALLED_FILE);
  try {
    await writeAtomically(path, [file]);
  } catch (error) {
    throw new TokenizerFileError(`cannot write ${path}: ${(error as Error).message}`);
  }
  return path;
}

async function readLocal(path: string): Promise<Buffer> {
  if (SCHEME.test(path)) throw new TokenizerFileError(`takes a file or an http(s) URL, not ${path}`);
  try {
    return await readFile(path);
  } catch (error) {
    throw new TokenizerFileError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

async function download(url: string, fetch: typeof globalThis.fetch): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) throw new Error('it is too large for a vocabulary');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw new TokenizerFileError(`cannot download ${url} (${reason}); ${BY_HAND}`);
  }
}
