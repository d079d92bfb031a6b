"""Find the shortest route between two cities and a valid build order."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field


@dataclass(order=True)
class QueueItem:
    distance: float
    node: str = field(compare=False)


class Graph:
    """A weighted, undirected graph."""

    def __init__(self) -> None:
        self.edges: dict[str, dict[str, float]] = {}

    def add_edge(self, a: str, b: str, weight: float) -> None:
        self.edges.setdefault(a, {})[b] = weight
        self.edges.setdefault(b, {})[a] = weight

    def shortest_path(self, start: str, goal: str) -> tuple[float, list[str]]:
        """Dijkstra's algorithm with a priority queue."""
        distances = {start: 0.0}
        previous: dict[str, str] = {}
        queue = [QueueItem(0.0, start)]
        while queue:
            item = heapq.heappop(queue)
            if item.node == goal:
                break
            if item.distance > distances.get(item.node, float("inf")):
                continue
            for neighbour, weight in self.edges[item.node].items():
                candidate = item.distance + weight
                if candidate < distances.get(neighbour, float("inf")):
                    distances[neighbour] = candidate
                    previous[neighbour] = item.node
                    heapq.heappush(queue, QueueItem(candidate, neighbour))
        else:
            raise ValueError(f"no path from {start} to {goal}")

        path = [goal]
        while path[-1] != start:
            path.append(previous[path[-1]])
        return distances[goal], path[::-1]


def topological_sort(dependencies: dict[str, list[str]]) -> list[str]:
    """Kahn's algorithm; raises ValueError on a cycle."""
    indegree = {node: len(needs) for node, needs in dependencies.items()}
    dependents: dict[str, list[str]] = {}
    for node, needs in dependencies.items():
        for need in needs:
            dependents.setdefault(need, []).append(node)
    ready = deque(sorted(n for n, d in indegree.items() if d == 0))
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for dependent in sorted(dependents.get(node, [])):
            indegree[dependent] -= 1
            if indegree[dependent] == 0:
                ready.append(dependent)
    if len(order) != len(dependencies):
        raise ValueError("the dependencies have a cycle")
    return order


def main() -> None:
    graph = Graph()
    for a, b, km in [
        ("Berlin", "Hamburg", 289), ("Berlin", "Leipzig", 190), ("Leipzig", "Nuremberg", 282),
        ("Hamburg", "Hanover", 151), ("Hanover", "Frankfurt", 349), ("Frankfurt", "Nuremberg", 226),
        ("Nuremberg", "Munich", 170), ("Frankfurt", "Stuttgart", 204), ("Stuttgart", "Munich", 233),
    ]:
        graph.add_edge(a, b, km)

    distance, path = graph.shortest_path("Hamburg", "Munich")
    print(f"Shortest route: {' -> '.join(path)} ({distance:.0f} km)")

    order = topological_sort({
        "deploy": ["test", "package"], "package": ["build"], "test": ["build"],
        "build": ["fetch", "configure"], "configure": ["fetch"], "fetch": [],
    })
    print(f"Build order: {', '.join(order)}")

    try:
        topological_sort({"a": ["b"], "b": ["a"]})
    except ValueError as e:
        print(f"Error: {e}")


if __name__ == "__main__":
    main()
