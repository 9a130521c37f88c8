export const TURN = {} as const;
