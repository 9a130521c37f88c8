import type { RequestLine, RequestText } from '../answers.ts';

const KEY = 'KIMI_API_KEY';

/** Code that goes on with a session, as a client of each kind. */
export function sessionSnippets(base: string, session: string, model: string): Record<string, string> {
  const body = { model, session_id: session, messages: [{ role: 'user', content: 'Go on.' }] };
  return {
    curl: [
      `curl ${quoted(`${base}/chat/completions`)} \\`,
      `  -H "Authorization: Bearer $${KEY}" -H 'Content-Type: application/json' \\`,
      `  -d ${quoted(JSON.stringify(body))}`,
    ].join('\n'),
    TypeScript: [
      `import OpenAI from 'openai';`,
      '',
      `const client = new OpenAI({ baseURL: ${JSON.stringify(base)}, apiKey: process.env.${KEY} });`,
      `const session = { session_id: ${JSON.stringify(session)} };`,
      `const messages = [{ role: 'user' as const, content: 'Go on.' }];`,
      `const answer = await client.chat.completions.create({ model: ${JSON.stringify(model)}, messages, ...session });`,
      'console.log(answer.choices[0]?.message.content);',
    ].join('\n'),
    Python: [
      'import os',
      'from openai import OpenAI',
      '',
      `client = OpenAI(base_url=${JSON.stringify(base)}, api_key=os.environ["${KEY}"])`,
      'answer = client.chat.completions.create(',
      `    model=${JSON.stringify(model)},`,
      '    messages=[{"role": "user", "content": "Go on."}],',
      `    extra_body={"session_id": ${JSON.stringify(session)}},`,
      ')',
      'print(answer.choices[0].message.content)',
    ].join('\n'),
  };
}

/** The same of a request of the journal. */
export function requestSnippets(
  base: string,
  { method, path }: Pick<RequestLine, 'method' | 'path'>,
  { request }: Pick<RequestText, 'request'>,
): Record<string, string> {
  const url = new URL(path, base).href;
  const body = request ?? '';
  const type = body === '' ? '' : ` -H 'Content-Type: application/json'`;
  const data = body === '' ? [] : [`  -d ${quoted(body)}`];
  const sent = JSON.stringify(body);
  return {
    curl: [
      `curl -X ${method} ${quoted(url)} \\`,
      `  -H "Authorization: Bearer $${KEY}"${type}${data.length > 0 ? ' \\' : ''}`,
      ...data,
    ].join('\n'),
    TypeScript: [
      `const response = await fetch(${JSON.stringify(url)}, {`,
      `  method: '${method}',`,
      `  headers: { Authorization: \`Bearer \${process.env.${KEY}}\`, 'Content-Type': 'application/json' },`,
      ...(body === '' ? [] : [`  body: ${sent},`]),
      '});',
      'console.log(response.status, await response.text());',
    ].join('\n'),
    Python: [
      'import os, urllib.request',
      '',
      'headers = {"Authorization": "Bearer " + os.environ["KIMI_API_KEY"], "Content-Type": "application/json"}',
      `body = ${body === '' ? 'None' : `${sent}.encode()`}`,
      `request = urllib.request.Request(${JSON.stringify(url)}, body, headers, method="${method}")`,
      'print(urllib.request.urlopen(request).read().decode())',
    ].join('\n'),
  };
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
