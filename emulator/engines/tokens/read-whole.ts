import { open } from 'node:fs/promises';

/** Reads a file in one go: `readFile` comes back to the event loop for every half megabyte. */
export async function readWhole(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const content = Buffer.allocUnsafeSlow(size);
    let length = 0;
    for (let read = -1; read !== 0 && length < size; length += read) {
      ({ bytesRead: read } = await file.read(content, length, size - length, length));
    }
    return content.subarray(0, length);
  } finally {
    await file.close();
  }
}
