interface Employee {
  readonly id: number;
  name: string;
  department: "engineering" | "sales" | "support";
  salary: number;
  manager?: number;
}

type Department = Employee["department"];
type Stats = { count: number; mean: number; median: number; top: string | null };

function groupBy<T, K extends string>(items: readonly T[], key: (item: T) => K): Partial<Record<K, T[]>> {
  const groups: Partial<Record<K, T[]>> = {};
  for (const item of items) {
    (groups[key(item)] ??= []).push(item);
  }
  return groups;
}

const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const mid = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[mid]! : (sorted[mid - 1]! + sorted[mid]!) / 2;
};

function stats(people: Employee[]): Stats {
  const salaries = people.map((p) => p.salary);
  return {
    count: people.length,
    mean: salaries.reduce((a, b) => a + b, 0) / people.length,
    median: median(salaries),
    top: people.reduce<Employee | null>((best, p) => (best && best.salary >= p.salary ? best : p), null)?.name ?? null,
  };
}

function main(input: { employees: Employee[] }) {
  const { employees } = input;
  const byDepartment = groupBy(employees, (e) => e.department);
  const summary = Object.fromEntries(
    (Object.entries(byDepartment) as [Department, Employee[]][]).map(([d, people]) => [d, stats(people)]),
  ) as Record<Department, Stats>;

  const limits = { engineering: 100_000, sales: 90_000, support: 60_000 } as const satisfies Record<Department, number>;
  const over: Array<Pick<Employee, "name" | "salary">> = employees
    .filter((e) => e.salary > limits[e.department])
    .map(({ name, salary }) => ({ name, salary }));

  const chain = (e: Employee | undefined): string[] =>
    e ? [e.name, ...chain(employees.find((m) => m.id === e.manager))] : [];

  for (const [department, s] of Object.entries(summary)) {
    console.log(`${department}: ${s.count} people, mean ${s.mean.toFixed(0)}, median ${s.median}`);
  }
  return { summary, over, chain: chain(employees.at(-1)) };
}
