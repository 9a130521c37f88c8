/** Cases of a property test: KIMI_TEST_RUNS=10 makes ten times as many. */
export function runs(count: number): number {
  const factor = Number(process.env.KIMI_TEST_RUNS ?? 1);
  return Math.max(1, Math.round(count * (factor > 0 ? factor : 1)));
}
