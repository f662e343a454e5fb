"""Rings beside an oracle that lists every cycle of a small unfolded graph."""

from collections.abc import Iterator

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.observe.neighbours import neighbours
from vitrolyte.observe.network.bonds import Network, bonding
from vitrolyte.observe.network.graph import Graph, bond_graph, bridge_graph
from vitrolyte.observe.network.ring_search import search_rings
from vitrolyte.observe.network.rings import RingSettings, rings, rings_of

MOST = 6
SKEWED = np.array([[4.0, 0.0, 0.0], [1.3, 3.8, 0.0], [-0.9, 0.7, 4.2]])

Node = tuple[int, int, int, int]


def random_graph(seed: int, n: int, reach: float) -> Graph:
    """Return the bonds of random points in a cell so small that most bonds leave it."""
    random = np.random.default_rng(seed)
    positions = random.uniform(size=(n, 3)) @ SKEWED
    bonds = neighbours(positions, SKEWED, np.zeros(n, dtype=np.int64), np.array([[reach]]))
    return bond_graph(bonds, np.ones(n, dtype=bool))


def steps(graph: Graph, node: Node) -> Iterator[tuple[int, Node]]:
    """Yield the edges of a node of the unfolded graph: entry and far end."""
    for entry in range(graph.starts[node[0]], graph.starts[node[0] + 1]):
        shift = graph.shifts[entry].tolist()
        yield entry, (int(graph.others[entry]), *(a + b for a, b in zip(node[1:], shift)))


def edge(graph: Graph, node: Node, entry: int) -> tuple[int, ...]:
    """Return one name for an edge, whichever end it is seen from."""
    far = next(end for other, end in steps(graph, node) if other == entry)
    return min((entry, *node), (int(graph.reverse[entry]), *far))


def cycles(graph: Graph, root: Node, most: int) -> list[list[tuple[Node, int]]]:
    """Return every simple cycle through a node, both ways round, as (node, entry taken)."""
    found: list[list[tuple[Node, int]]] = []

    def grow(path: list[tuple[Node, int]], node: Node, seen: set[Node]) -> None:
        for entry, far in steps(graph, node):
            taken = [*path, (node, entry)]
            if far == root and len(taken) >= 2:
                edges = {edge(graph, n, e) for n, e in taken}
                if len(edges) == len(taken):
                    found.append(taken)
            elif far not in seen and len(taken) < most:
                grow(taken, far, seen | {far})

    grow([], root, {root})
    return found


def distance(graph: Graph, first: Node, second: Node) -> int:
    level, seen = {first}, {first}
    for d in range(MOST):
        if second in level:
            return d
        level = {far for node in level for _, far in steps(graph, node)} - seen
        seen |= level
    return MOST


def canonical(graph: Graph, cycle: list[tuple[Node, int]]) -> frozenset[tuple[int, ...]]:
    """Return a cycle as the set of its edges, moved so that its lowest node is in the cell."""
    low = min(node for node, _ in cycle)
    back = [-s for s in low[1:]]
    moved = [((n[0], *(a + b for a, b in zip(n[1:], back))), e) for n, e in cycle]
    return frozenset(edge(graph, node, entry) for node, entry in moved)


def expected(graph: Graph, criterion: str) -> set[frozenset[tuple[int, ...]]]:
    rings_found = set()
    for atom in range(len(graph.atoms)):
        root = (atom, 0, 0, 0)
        every = cycles(graph, root, MOST)
        shortest: dict[object, int] = {}
        for cycle in every:
            for key in keys(graph, cycle, criterion):
                shortest[key] = min(shortest.get(key, MOST), len(cycle))
        for cycle in every:
            found = keys(graph, cycle, criterion)
            if criterion == "primitive":
                good = primitive(graph, [node for node, _ in cycle])
            else:
                good = any(len(cycle) == shortest[key] for key in found)
            if good:
                rings_found.add(canonical(graph, cycle))
    return rings_found


def keys(graph: Graph, cycle: list[tuple[Node, int]], criterion: str) -> list[object]:
    """Return what a cycle is shortest for: its first edge, or its two edges at the root."""
    first = edge(graph, *cycle[0])
    if criterion == "guttman":
        return [first]
    return [frozenset((first, edge(graph, *cycle[-1])))]


def primitive(graph: Graph, nodes: list[Node]) -> bool:
    n = len(nodes)
    return all(
        distance(graph, nodes[i], nodes[j]) == min(j - i, n - j + i)
        for i in range(n)
        for j in range(i + 1, n)
    )


@pytest.mark.parametrize("criterion", ["primitive", "king", "guttman"])
@pytest.mark.parametrize(("n", "reach"), [(5, 2.6), (9, 1.9)], ids=["dense", "sparse"])
@pytest.mark.parametrize("seed", range(3))
def test_every_ring_is_found_once(criterion: str, seed: int, n: int, reach: float) -> None:
    graph = random_graph(seed, n, reach)
    listed = search_rings(graph, MOST, criterion)
    found = []
    for k in range(len(listed.sizes)):
        node: Node = (int(graph.owners[listed.path(k)[0]]), 0, 0, 0)
        cycle = []
        for entry in listed.path(k).tolist():
            cycle.append((node, entry))
            node = next(far for other, far in steps(graph, node) if other == entry)
        assert node == cycle[0][0], "a ring closes in space"
        found.append(canonical(graph, cycle))
    assert len(found) == len(set(found))
    assert set(found) == expected(graph, criterion)
    assert len(found) >= 2


def square_of_four(extra: tuple[list[str], list[list[float]]] = ([], [])) -> Trajectory:
    """Return a lone ring of four P bridged by S, P-S 2 Å apart."""
    angles = np.arange(8) * np.pi / 4
    radius = 1.0 / np.sin(np.pi / 8)
    circle = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(8)]) * radius + 10.0
    species = [("P", "S")[k % 2] for k in range(8)] + extra[0]
    return structure(tuple(species), [*circle.tolist(), *extra[1]], np.eye(3) * 20.0)


NETWORK = Network(("P",), ("S",), {"P-S": 2.2})


@pytest.mark.parametrize("criterion", ["primitive", "king", "guttman"])
def test_the_atoms_of_a_ring_are_named_in_order(criterion: str) -> None:
    (ring,) = rings_of(square_of_four(), RingSettings(NETWORK, criterion))  # type: ignore[arg-type]
    assert ring.size == 4
    start = ring.atoms.index(0)
    turned = ring.atoms[start:] + ring.atoms[:start]
    assert turned in (tuple(range(8)), (0, *range(7, 0, -1)))


def test_a_ligand_of_three_formers_makes_no_ring_of_itself() -> None:
    # One S in the middle of three P: no ring, although each pair of P shares it.
    corners = [[2.0 * np.cos(a) + 10, 2.0 * np.sin(a) + 10, 10.0] for a in (0, 2.1, 4.2)]
    star = structure(("S", "P", "P", "P"), [[10, 10, 10], *corners], np.eye(3) * 20)
    assert rings_of(star, RingSettings(NETWORK)) == ()


def test_edge_sharing_is_a_ring_of_two() -> None:
    pair = structure(
        ("P", "P", "S", "S"),
        [[10, 10, 8.6], [10, 10, 11.4], [11.4, 10, 10], [8.6, 10, 10]],
        np.eye(3) * 20,
    )
    (ring,) = rings_of(pair, RingSettings(NETWORK))
    assert (ring.size, set(ring.atoms)) == (2, {0, 1, 2, 3})


def test_a_direct_bond_of_formers_closes_a_ring_too() -> None:
    # P-P 2.2 Å with S bridging as well: a ring of two formers and one ligand.
    three = structure(
        ("P", "P", "S"), [[10, 10, 8.9], [10, 10, 11.1], [11.7, 10, 10]], np.eye(3) * 20
    )
    network = Network(("P",), ("S",), {"P-S": 2.2, "P-P": 2.4}, joined=("P-P",))
    assert rings_of(three, RingSettings(NETWORK)) == ()
    (ring,) = rings_of(three, RingSettings(network))
    assert (ring.size, len(ring.atoms)) == (2, 3)


def test_both_graphs_give_the_same_rings() -> None:
    # Formers joined through ligands of two are the graph of all atoms with every second node left
    # out, whatever the shape.
    random = np.random.default_rng(4)
    cell = SKEWED * 2.6
    formers = random.uniform(size=(24, 3)) @ cell
    near = neighbours(formers, cell, np.zeros(24, dtype=np.int64), np.array([[4.2]]))
    once = near.owners < near.others
    middles = formers[near.owners[once]] + near.vectors[once] / 2
    positions = np.concatenate([formers, middles])
    kinds = np.repeat([0, 1], [24, len(middles)])
    # Only the two ends of each bond reach its middle.
    entries = neighbours(positions, cell, kinds, np.array([[0, 2.2], [2.2, 0]]))
    allowed = np.zeros((len(positions),) * 2, dtype=bool)
    allowed[24 + np.arange(len(middles)), near.owners[once]] = True
    allowed[24 + np.arange(len(middles)), near.others[once]] = True
    exact = np.array(
        [
            allowed[max(i, j), min(i, j)]
            and np.isclose(np.linalg.norm(v), np.linalg.norm(_bond(near, once, max(i, j) - 24)) / 2)
            for i, j, v in zip(entries.owners, entries.others, entries.vectors)
        ]
    )
    bonds = entries.kept(exact)
    is_former = kinds == 0
    for criterion in ("primitive", "king", "guttman"):
        short = search_rings(bridge_graph(bonds, is_former), 6, criterion)
        whole = search_rings(bond_graph(bonds, is_former | True), 12, criterion, is_former)
        assert len(short.sizes) > 10
        assert np.array_equal(np.bincount(2 * short.sizes), np.bincount(whole.sizes))


def _bond(near: object, once: np.ndarray, k: int) -> np.ndarray:
    return near.vectors[once][k]  # type: ignore[attr-defined,no-any-return]


def test_rows_and_curves_of_a_result() -> None:
    found = rings(square_of_four(), RingSettings(NETWORK, largest=5))
    rows = found.observations(Sample("glass", "PS", "glass"))
    assert [(row.quantity, row.of, row.value) for row in rows] == [
        ("ring_count_per_former", "P-S 4-ring", 0.25),
        ("ring_size", "P-S", 4.0),
    ]
    assert all(row.status == "provisional" and row.error is None for row in rows)
    assert "P-S 2.20 Å" in rows[0].method
    assert found.per_former["primitive"].x.tolist() == [2, 3, 4, 5]
    assert found.membership["primitive"].y.tolist() == [0, 0, 1, 0]


def test_no_ring_is_a_refused_mean_and_no_zero_rows() -> None:
    found = rings(square_of_four(), RingSettings(NETWORK, largest=3))
    (row,) = found.observations(Sample("glass", "PS", "glass"))
    assert (row.quantity, row.status) == ("ring_size", "refused")


@pytest.mark.parametrize(
    ("species", "formers", "ligands"),
    [
        (("Li", "Li", "Li", "P", "S", "S", "S", "S"), ("P",), ("S",)),
        (("Li", "Li", "Zr") + ("Cl",) * 6, ("Zr",), ("Cl",)),
        (("Al", "Al", "Si") + ("O",) * 5, ("Si", "Al"), ("O",)),
        # No cation of charge 3: the most charged ones.
        (("Li", "Li", "Li", "O", "Cl"), ("Li",), ("O", "Cl")),
        (("Si",) * 4, ("Si",), ()),
    ],
)
def test_formers_and_ligands_follow_from_charges(
    species: tuple[str, ...], formers: tuple[str, ...], ligands: tuple[str, ...]
) -> None:
    places = np.random.default_rng(0).uniform(size=(len(species), 3)) * 8.0
    elements = sorted(set(species))
    every = {f"{a}-{b}": 3.0 for a in formers for b in (ligands or formers)}
    settled = bonding(structure(species, places, np.eye(3) * 8.0), Network(cut_offs=every))
    assert set(settled.formers) == set(formers)
    assert set(settled.ligands) == set(ligands)
    assert set(settled.cut_offs) <= {f"{a}-{b}" for a in elements for b in elements}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RingSettings(criterion="strong"), "primitive, king, guttman"),  # type: ignore[arg-type]
        (lambda: RingSettings(largest=1), "2 to 40"),
        (lambda: Network(ligands=("O",)), "formers"),
        (lambda: Network(("O",), ("O",)), "formers"),
        (lambda: rings(square_of_four(), RingSettings(Network(("Si",), ("S",)))), "species"),
        (
            lambda: rings(square_of_four(), RingSettings(Network(("P",), ("S",), {"S-S": 2.0}))),
            "pair that bonds",
        ),
        (lambda: rings(structure(("P",), [[0, 0, 0]], np.eye(3) * 30)), "minimum behind"),
    ],
)
def test_bad_input_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        make()
