// Follows dagre's source. input is [{sizes, ranks, links: [[from, to, weight]]}], of
// which each has the value {nodes, bends}: the position in its rank of each node, and for
// each link that of its bends. Ranks are given, and places are not asked for, so of
// dagre's steps it is the one between that is used: the order in ranks.
const done = {};

function ordered({ ranks, links }) {
  const nodes = [], bends = links.map(() => []);
  const g = new dagre.graphlib.Graph({ multigraph: true });
  const ranker = (inner) => inner.nodes().forEach((v) => (inner.node(v).rank = ranks[v] ?? -1));
  const customOrder = (layered, order) => {
    order(layered);
    for (const v of layered.nodes()) {
      const { dummy, edgeObj, rank, order: position } = layered.node(v);
      if (dummy) bends[edgeObj.name][rank - ranks[edgeObj.v] - 1] = position;
      else nodes[v] = position;
    }
    throw done;
  };
  g.setGraph({ ranker });
  ranks.forEach((_, i) => g.setNode(String(i), {}));
  links.forEach(([from, to, weight], i) => g.setEdge(String(from), String(to), { weight }, String(i)));
  try {
    dagre.layout(g, { customOrder });
  } catch (e) {
    if (e !== done) throw e;
  }
  return { nodes, bends };
}

input.map(ordered);
