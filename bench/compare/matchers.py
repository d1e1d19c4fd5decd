"""The other matchers. Each takes an instance and gives figures, seconds, what they are, and what
they prove: figures that no assignment exceeds."""

import math
import time

import lap
import numpy as np
from matching.games import HospitalResident
from ortools.graph.python import max_flow, min_cost_flow
from ortools.sat.python import cp_model

from .instance import GPUS, Instance

OPTIMUM = "optimum"
# The flow may split a request over machines, and knows no CPU, memory, disk or bandwidth.
BOUND = "upper bound"


def _kind(instance):
    return OPTIMUM if instance.is_assignment() else BOUND


def most_gpus(instance: Instance):
    """or-tools maximum flow: the most GPUs that can be placed, or a bound on it."""
    began = time.perf_counter()
    offers, requests = len(instance.free), len(instance.demand)
    source, sink = requests + offers, requests + offers + 1
    graph = max_flow.SimpleMaxFlow()
    arcs = [graph.add_arcs_with_capacity(*arcs) for arcs in _arcs(instance, source, sink)]
    status = graph.solve(source, sink)
    assert status == graph.OPTIMAL, status
    seconds, bound = time.perf_counter() - began, int(graph.optimal_flow())
    known = _kind(instance)
    if known == BOUND:
        placed = whole(instance, graph.flows(arcs[1]))
        known = f"{BOUND}; {instance.gpus[list(placed)].sum()} found by making it whole"
    return {"gpus": bound, "seconds": seconds, "is": known, "proves": {"gpus": bound}}


def whole(instance: Instance, flow):
    """An assignment near a flow: pairs that carry a whole request, largest first, then what fits."""
    left, placed = instance.free.copy(), {}
    size = instance.gpus[instance.request]
    order = np.lexsort((instance.place, -size, flow < size))
    for pair in order:
        request, offer = int(instance.request[pair]), int(instance.offer[pair])
        demand = instance.demand[request]
        if request not in placed and (demand <= left[offer]).all():
            left[offer] -= demand
            placed[request] = offer
    return placed


def most_welfare(instance: Instance, by_gpu=False):
    """or-tools minimum-cost flow: the largest sum of scores (times GPUs), or a bound on it."""
    began = time.perf_counter()
    offers, requests = len(instance.free), len(instance.demand)
    source, sink = requests + offers, requests + offers + 1
    # A request's score is earned GPU by GPU; this makes every share of it whole.
    shares = 1 if by_gpu else math.lcm(*np.unique(instance.gpus).tolist())
    worth = instance.score * shares // (1 if by_gpu else instance.gpus[instance.request])
    nothing = [np.zeros(requests, np.int64), -worth, np.zeros(offers, np.int64)]
    graph = min_cost_flow.SimpleMinCostFlow()
    for (tails, heads, room), costs in zip(_arcs(instance, source, sink), nothing):
        graph.add_arcs_with_capacity_and_unit_cost(tails, heads, room, costs)
    total = int(instance.gpus.sum())
    graph.add_arc_with_capacity_and_unit_cost(source, sink, total, 0)
    graph.set_nodes_supplies(np.array([source, sink]), np.array([total, -total]))
    status = graph.solve()
    assert status == graph.OPTIMAL, status
    figure = "gpu_welfare" if by_gpu else "welfare"
    worth = -int(graph.optimal_cost()) // shares
    return {
        figure: worth,
        "seconds": time.perf_counter() - began,
        "is": _kind(instance),
        "proves": {figure: worth},
    }


def _arcs(instance, source, sink):
    """Source to requests, requests to the machines of their pairs, machines to sink."""
    offers, requests = len(instance.free), len(instance.demand)
    yield np.full(requests, source), np.arange(requests), instance.gpus
    yield instance.request, requests + instance.offer, instance.gpus[instance.request]
    yield requests + np.arange(offers), np.full(offers, sink), instance.free[:, GPUS]


def stable(instance: Instance):
    """`matching`'s hospitals and residents: the stable matching, which must be our outcome."""
    assert instance.is_assignment()
    began = time.perf_counter()
    residents, hospitals = {}, {}
    for request, (start, end) in enumerate(zip(instance.starts, instance.starts[1:])):
        if end > start:
            residents[request] = instance.offer[start:end].tolist()
    for pair in np.argsort(instance.place):
        hospitals.setdefault(int(instance.offer[pair]), []).append(int(instance.request[pair]))
    beds = {offer: int(instance.free[offer, GPUS]) for offer in hospitals}
    game = HospitalResident.create_from_dictionaries(residents, hospitals, beds)
    solution = game.solve(optimal="resident")
    seconds = time.perf_counter() - began
    found = {resident.name: hospital.name for hospital, own in solution.items() for resident in own}
    if found != instance.ours():
        raise ValueError("the stable matching of `matching` is not our outcome")
    return {**instance.figures(found), "seconds": seconds, "is": "the same matching as ours"}


def dense(instance: Instance):
    """`lap`'s lapjv on requests x single GPUs: the largest sum of scores."""
    assert instance.is_assignment()
    began = time.perf_counter()
    free = instance.free[:, GPUS]
    first = np.concatenate([[0], np.cumsum(free)])
    machine = np.repeat(np.arange(len(free)), free)
    costs = np.zeros((len(instance.demand), len(machine)))
    for slot in range(int(free.max())):
        has = free[instance.offer] > slot
        column = first[instance.offer[has]] + slot
        costs[instance.request[has], column] = -instance.score[has]
    _, columns, _ = lap.lapjv(costs, extend_cost=True)
    seconds = time.perf_counter() - began
    # A request without a pair of its own is given a column that is worth nothing.
    placed = {
        request: int(machine[column])
        for request, column in enumerate(columns)
        if column >= 0 and costs[request, column] < 0
    }
    figures = instance.figures(placed)
    return {**figures, "seconds": seconds, "is": f"{OPTIMUM} of welfare"}


def most_gpus_whole(instance: Instance, limit):
    """or-tools CP-SAT: the most GPUs without splitting and with every resource, within `limit` seconds."""
    began = time.perf_counter()
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in instance.offer]
    for start, end in zip(instance.starts, instance.starts[1:]):
        model.add_at_most_one(chosen[start:end])
    for offer, free in enumerate(instance.free):
        pairs = np.flatnonzero(instance.offer == offer)
        for resource, room in enumerate(free.tolist()):
            sizes = instance.demand[instance.request[pairs], resource]
            if sizes.sum() > room:
                taken = [chosen[pair] for pair in pairs]
                model.add(cp_model.LinearExpr.weighted_sum(taken, sizes.tolist()) <= room)
    # It starts from the walk that serves the largest requests first.
    near = whole(instance, np.zeros_like(instance.offer))
    for variable, request, offer in zip(chosen, instance.request.tolist(), instance.offer.tolist()):
        hint = near.get(request) == offer
        model.add_hint(variable, hint)
    sizes = instance.gpus[instance.request].tolist()
    model.maximize(cp_model.LinearExpr.weighted_sum(chosen, sizes))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit
    solver.parameters.num_workers = 2
    status = solver.solve(model)
    assert status in (cp_model.OPTIMAL, cp_model.FEASIBLE), solver.status_name(status)
    taken = np.flatnonzero([solver.boolean_value(variable) for variable in chosen])
    placed = dict(zip(instance.request[taken].tolist(), instance.offer[taken].tolist()))
    bound = math.floor(solver.best_objective_bound + 1e-6)
    known = f"{OPTIMUM} of GPUs" if status == cp_model.OPTIMAL else f"best found; at most {bound} GPUs"
    return {
        **instance.figures(placed),
        "seconds": time.perf_counter() - began,
        "is": known,
        "proves": {"gpus": bound},
    }
