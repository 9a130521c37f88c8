export const PINS = {} as const;
