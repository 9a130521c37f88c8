export const TOOLS = {} as const;
