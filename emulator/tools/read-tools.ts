/** Text that holds no tools; the message is one line. */
export class ToolsFileError extends Error {
  override readonly name = 'ToolsFileError';
}

/**
 * The tools of a JSON text: a list of tools, a chat request, or what an MCP server answers to `tools/list`.
 * @param source what the text is called in errors, such as its path
 * @throws ToolsFileError
 */
export function readTools(text: string, source: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ToolsFileError(`${source} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  const list = listOf(value);
  if (!list) throw new ToolsFileError(`${source} has no tools: a list of tools is expected, or an object with "tools"`);
  return list.map(fromMcp);
}

function listOf(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if ('tools' in value && Array.isArray(value.tools)) return value.tools;
  return 'result' in value ? listOf(value.result) : undefined;
}

/** A tool of an MCP server, as chat requests have it; any other value as it is. */
export function fromMcp(tool: unknown): unknown {
  if (typeof tool !== 'object' || tool === null || !('inputSchema' in tool)) return tool;
  const { name, description, inputSchema } = tool as { name?: unknown; description?: unknown; inputSchema: unknown };
  return {
    type: 'function',
    function: { name, ...(description !== undefined && { description }), parameters: inputSchema },
  };
}
