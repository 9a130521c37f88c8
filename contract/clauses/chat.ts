export const CHAT = {} as const;
