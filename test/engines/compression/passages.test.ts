import { describe, expect, it } from 'vitest';
import { textBlocks } from '../../../emulator/engines/compression/passages.ts';

const blocks = (text: string) =>
  [...textBlocks(text)].flatMap((block) => (block === undefined ? [] : [`${block.kind}: ${block.text}`]));

describe('textBlocks', () => {
  it('joins wrapped lines of prose and keeps lists apart', () => {
    const text =
      'The harbour master asked us to move every crate before\nthe spring tide, or else to pay.\n- one\n- two';
    expect(blocks(text)).toEqual([
      'prose: The harbour master asked us to move every crate before the spring tide, or else to pay.',
      'prose: - one',
      'prose: - two',
    ]);
  });

  it('tells code and its comments from the words around it', () => {
    const text = 'Try this:\n```ts\n// The limit that the\n// harbour set\nconst limit = 4;\n```\nIt works.';
    expect(blocks(text)).toEqual([
      'prose: Try this:',
      'prose: The limit that the',
      'prose: harbour set',
      'code: const limit = 4;',
      'prose: It works.',
    ]);
    expect(
      blocks('import { a } from "b";\n\nexport class Crate {\n  run() {\n    go(1);\n  }\n}').every((block) =>
        block.startsWith('code'),
      ),
    ).toBe(true);
  });

  it('knows lines of logs by their time or level', () => {
    const lines = [
      '2026-11-02T10:00:00Z INFO started all workers',
      '[10:00:01] worker 7 is listening',
      'WARN disk of harbour-2 is nearly full',
      '10.0.0.7 - - [02/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 512',
      '{"level":"info","msg":"started","port":8080}',
      'Nov  2 10:00:00 harbour-2 sshd[71]: session opened',
    ];
    expect(blocks(lines.join('\n'))).toEqual(lines.map((line) => `log: ${line}`));
  });

  it('reads a line without end in pieces', () => {
    const text = 'a'.repeat(100_000);
    const found = [...textBlocks(text)].flatMap((block) => block?.text ?? []);
    expect(found.join('')).toBe(text);
    expect(found.every((piece) => piece.length <= 32_768)).toBe(true);
  });
});
