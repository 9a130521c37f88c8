/** How a cost grows: the exponent of the power law that fits best, so 1 where it is proportional. @param points size and cost */
export function exponentOf(points: readonly (readonly [size: number, cost: number])[]): number {
  const logs = points.map(([size, cost]) => [Math.log(Math.max(1, size)), Math.log(cost)] as const);
  const mean = (pick: 0 | 1) => logs.reduce((sum, point) => sum + point[pick], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return over === 0 ? 0 : logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / over;
}
