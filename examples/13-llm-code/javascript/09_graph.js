class MinHeap {
  constructor(compare = (a, b) => a - b) {
    this.data = [];
    this.compare = compare;
  }

  get size() {
    return this.data.length;
  }

  push(value) {
    this.data.push(value);
    let i = this.data.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.compare(this.data[i], this.data[parent]) >= 0) break;
      [this.data[i], this.data[parent]] = [this.data[parent], this.data[i]];
      i = parent;
    }
  }

  pop() {
    const top = this.data[0];
    const last = this.data.pop();
    if (this.data.length > 0) {
      this.data[0] = last;
      let i = 0;
      for (;;) {
        let smallest = i;
        for (const child of [2 * i + 1, 2 * i + 2]) {
          if (child < this.data.length && this.compare(this.data[child], this.data[smallest]) < 0) smallest = child;
        }
        if (smallest === i) break;
        [this.data[i], this.data[smallest]] = [this.data[smallest], this.data[i]];
        i = smallest;
      }
    }
    return top;
  }
}

export function dijkstra(graph, start) {
  const dist = Object.fromEntries(Object.keys(graph).map((n) => [n, Infinity]));
  dist[start] = 0;
  const heap = new MinHeap(([, a], [, b]) => a - b);
  heap.push([start, 0]);
  while (heap.size > 0) {
    const [node, d] = heap.pop();
    if (d > dist[node]) continue;
    for (const [next, weight] of Object.entries(graph[node])) {
      const candidate = d + weight;
      if (candidate < dist[next]) {
        dist[next] = candidate;
        heap.push([next, candidate]);
      }
    }
  }
  return dist;
}

export function stronglyConnected(graph) {
  let index = 0;
  const stack = [];
  const state = new Map();
  const components = [];
  const visit = (node) => {
    const s = { index, low: index, onStack: true };
    index++;
    state.set(node, s);
    stack.push(node);
    for (const next of Object.keys(graph[node])) {
      if (!state.has(next)) {
        visit(next);
        s.low = Math.min(s.low, state.get(next).low);
      } else if (state.get(next).onStack) {
        s.low = Math.min(s.low, state.get(next).index);
      }
    }
    if (s.low === s.index) {
      const component = [];
      let popped;
      do {
        popped = stack.pop();
        state.get(popped).onStack = false;
        component.push(popped);
      } while (popped !== node);
      components.push(component.sort());
    }
  };
  for (const node of Object.keys(graph)) if (!state.has(node)) visit(node);
  return components;
}

function shortestInMaze(maze) {
  const grid = maze.map((row) => [...row]);
  const find = (ch) => grid.flatMap((r, y) => r.flatMap((c, x) => (c === ch ? [[x, y]] : [])))[0];
  const queue = [[...find("S"), 0]];
  const seen = new Set([queue[0].slice(0, 2).join()]);
  while (queue.length) {
    const [x, y, steps] = queue.shift();
    if (grid[y][x] === "E") return steps;
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      const key = `${x + dx},${y + dy}`;
      if ((grid[y + dy]?.[x + dx] ?? "#") !== "#" && !seen.has(key)) {
        seen.add(key);
        queue.push([x + dx, y + dy, steps + 1]);
      }
    }
  }
  return -1;
}

export default async function main(input) {
  const distances = dijkstra(input.graph, "a");
  console.log("Distances:", distances);
  const unreachable = Object.keys(distances).filter((n) => distances[n] === Infinity);
  return {
    distances: Object.fromEntries(Object.entries(distances).filter(([, d]) => Number.isFinite(d))),
    unreachable,
    components: stronglyConnected(input.graph),
    maze: shortestInMaze(["S.#.", "..#E", ".#..", "...."]),
    blocked: shortestInMaze(["S#E"]),
  };
}
