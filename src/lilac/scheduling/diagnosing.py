"""Why a job waits: the facts of a finished pass, put into a `Reason`.

The questions are asked in the order in which an answer would end the matter: does the queue exist, could any node ever
run the job, is the queue paused, do the limits allow it, are the able nodes there, would it fit if nobody had reserved,
do some of its replicas fit; what is left is that something is short on even the nearest node. Everything is read from
the pass's own copy of the state, as it is after the pass, so a reason may be worked out at any later time.

The nearest node is the one where the missing shares of CPU, memory and GPUs add up to the least, among the nodes that
could run a replica if they were empty; ties go to the smaller id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lilac.model.ids import ClusterId, JobId, NodeId, UserId
from lilac.scheduling.capacity import Free, acceptable, all_of, room_for, suits
from lilac.scheduling.changing import smallest_change
from lilac.scheduling.fitting import places_now
from lilac.scheduling.limiting import Limited, too_large
from lilac.scheduling.passing import Pass
from lilac.scheduling.reasons import Change, Dimension, Holder, Reason, ReasonCode, Shortage
from lilac.scheduling.reserving import Room
from lilac.scheduling.satisfying import fits_ever, unfit_reason
from lilac.scheduling.views import NodeView, QueueView, RunningJob, Shape
from lilac.scheduling.wording import amount, cores, limit_sentence, listed, span, wanted_briefly

MOST_HOLDERS = 10


class Diagnosis:
    """Gives reasons from a finished pass."""

    def __init__(self, done: Pass) -> None:
        self._pass = done
        self._on_node: dict[NodeId, list[RunningJob]] | None = None
        self._whole: dict[NodeId, Free] = {}

    def reason(self, shape: Shape, owner_id: UserId | None, head: bool) -> Reason:
        """Why the first waiting job of this shape waits, or (not `head`) the ones of this owner behind it."""
        done = self._pass
        queue = done.snapshot.queues.get(shape.queue_id)
        if queue is None:
            return Reason(code=ReasonCode.NO_QUEUE, message="its queue does not exist any more")
        unfit = None
        if not fits_ever(done.snapshot, shape):
            unfit = unfit_reason(done.snapshot.nodes, queue, shape)
            if unfit.code is ReasonCode.NEVER_FITS:
                return unfit
        if queue.paused:
            return Reason(code=ReasonCode.QUEUE_PAUSED, message=f"queue {queue.name} is paused")
        over = too_large(queue, shape)
        if over is not None:
            return self._limited(queue, shape, replace(over, owner_id=owner_id), None)
        limited = done.limited.get((shape, owner_id))
        if limited is not None and shape not in done.heads:
            return unfit or self._limited(queue, shape, limited, limited.job_id if head else None)
        return unfit or self._waits(queue, shape, owner_id, done.heads.get(shape) if head else None)

    def _limited(self, queue: QueueView, shape: Shape, limited: Limited, head: JobId | None) -> Reason:
        done, allowed = self._pass, self._allowed(queue, limited.owner_id, head)
        change = smallest_change(done.capacity, done.holds, queue, shape, None, allowed)
        return Reason(
            code=ReasonCode.LIMIT,
            message=limit_sentence(queue, limited, self._pass.now),
            reserved_by=limited.turn_of,
            expected_start=limited.start if head is not None else None,
            smallest_change=change,
            limited_user=limited.owner_id if limited.user else None,
        )

    def _allowed(self, queue: QueueView, owner_id: UserId | None, head: JobId | None = None) -> Callable[[Shape], bool]:
        """Whether the limits would let a shape start now."""
        gates = self._pass.gates
        return lambda shape: gates.room(queue, owner_id, shape, ignoring=head) >= shape.size.min

    def _waits(self, queue: QueueView, shape: Shape, owner_id: UserId | None, head: JobId | None) -> Reason:
        """The reason of a job that could run on the schedulable nodes, if they were empty."""
        done = self._pass
        own = done.holds.by_shape.get(shape)
        start = own.start if own is not None and own.job_id == head else None
        if head is not None and head == done.making_room_for:
            return _room_is_made(done, start)
        change = smallest_change(done.capacity, done.holds, queue, shape, head, self._allowed(queue, owner_id))
        places = places_now(done.capacity, queue.cluster_targets, shape, None)
        if places is not None:
            return self._reserved(shape, places, start, change)
        clusters, room, total = queue.cluster_targets, 0, 0
        if shape.size.min > 1:
            cluster_id, room, total = self._gang_room(queue, shape)
            clusters = (cluster_id,)
        node = self.nearest(clusters, shape)
        shortages = self.shortages(node, shape, done.capacity.free[node.id])
        if room:
            gang = Shortage(dimension=Dimension.REPLICAS, needed=shape.size.min, free=room, total=total)
            message = (
                f"needs {shape.size.min} replicas of {wanted_briefly(shape)} at once in one cluster; "
                f"{room} {'fits' if room == 1 else 'fit'} now"
            )
        else:
            gang = None
            message = _sentence(node, shape, shortages)
        return Reason(
            code=ReasonCode.RESOURCES if gang is None else ReasonCode.GANG,
            message=message,
            shortages=shortages if gang is None else (gang, *shortages),
            best_node=node.id,
            holders=self.holders(node, shortages),
            expected_start=start,
            smallest_change=change,
        )

    def nearest(self, clusters: Sequence[ClusterId], shape: Shape) -> NodeView:
        """The node that lacks least for one more replica, among those that could run one more if they were empty."""
        best: tuple[float, NodeId] | None = None
        free, nodes = self._pass.capacity.free, self._pass.capacity.nodes
        for node_id, here in free.items():
            node = nodes[node_id]
            if node.cluster_id not in clusters:
                continue
            now = room_for(shape, here, single_job=node.single_job) if shape.size.min > 1 else 0
            gpus = acceptable(shape.gpus, here.gpus) if shape.gpus is not None else 0
            found = (Room(here.cpu, here.memory, gpus).missing(shape, now + 1), node_id)
            if (best is None or found < best) and now < self._room_when_empty(node, shape):
                best = found
        if best is None:
            raise ValueError("no schedulable node could run this shape, even when empty")
        return nodes[best[1]]

    def shortages(self, node: NodeView, shape: Shape, free: Free) -> tuple[Shortage, ...]:
        """What is short on the node for one more replica, if so much is free there: GPUs, CPU, memory."""
        whole = self._empty(node)
        need, gpus = shape.resources, shape.gpus
        replicas = room_for(shape, free, single_job=node.single_job) + 1
        facts = [
            (Dimension.CPU, need.cpu_millicores, free.cpu, whole.cpu),
            (Dimension.MEMORY, need.memory_mb, free.memory, whole.memory),
        ]
        if gpus is not None:
            facts.insert(0, (Dimension.GPU, gpus.count, acceptable(gpus, free.gpus), acceptable(gpus, whole.gpus)))
        # what this shape's other replicas could take there is not free for one more
        left = [(which, needed, max(0, now - (replicas - 1) * needed), total) for which, needed, now, total in facts]
        return tuple(
            Shortage(dimension=which, needed=needed, free=now, total=total)
            for which, needed, now, total in left
            if now < needed
        )

    def holders(self, node: NodeView, shortages: Sequence[Shortage]) -> tuple[Holder, ...]:
        """Who holds what is short on the node, the largest shares first."""
        if self._on_node is None:
            self._on_node = {}
            for job in (*self._pass.snapshot.running.values(), *self._pass.started.values()):
                for node_id in dict.fromkeys(replica.node_id for replica in job.replicas):
                    self._on_node.setdefault(node_id, []).append(job)
        found: list[tuple[float, int, Holder]] = []
        for job in self._on_node.get(node.id, ()):
            mine = [replica for replica in job.replicas if replica.node_id == node.id]
            need = job.shape.resources
            holder = Holder(
                job_id=job.id,
                node_id=node.id,
                cpu_millicores=need.cpu_millicores * len(mine),
                memory_mb=need.memory_mb * len(mine),
                gpus=sum(len(replica.gpu_uuids) for replica in mine),
                expected_end=job.expected_end(self._pass.now),
            )
            amounts = {
                Dimension.CPU: holder.cpu_millicores,
                Dimension.MEMORY: holder.memory_mb,
                Dimension.GPU: holder.gpus,
            }
            share = sum(amounts[each.dimension] / each.total for each in shortages if each.total)
            if share > 0 or node.single_job:
                found.append((-share, job.seq, holder))
        found.sort(key=lambda each: (each[0], each[1], each[2].job_id))
        return tuple(holder for _, _, holder in found[:MOST_HOLDERS])

    def _reserved(self, shape: Shape, places: Sequence[NodeId], start: float | None, change: Change | None) -> Reason:
        done = self._pass
        held = [node_id for node_id in places if node_id in done.holds.by_node]
        hold = done.holds.by_node[held[0]]
        node = done.capacity.nodes[held[0]]
        until = "" if hold.start is None else f" for its start {_in(hold.start - done.now)}"
        return Reason(
            code=ReasonCode.RESERVED,
            message=(
                f"would fit on {node.name} now, but job {hold.reservation.job_id} before it in line has reserved "
                f"{'the place' if len(held) == 1 else f'{len(held)} of the nodes'}{until}"
            ),
            best_node=node.id,
            reserved_by=hold.reservation.job_id,
            expected_start=start,
            smallest_change=change,
        )

    def _gang_room(self, queue: QueueView, shape: Shape) -> tuple[ClusterId, int, int]:
        """The cluster with room for the most replicas now: how many, and how many if it were empty."""
        capacity = self._pass.capacity
        now = dict.fromkeys(queue.cluster_targets, 0)
        total = dict.fromkeys(queue.cluster_targets, 0)
        for node_id, free in capacity.free.items():
            node = capacity.nodes[node_id]
            whole = self._room_when_empty(node, shape) if node.cluster_id in now else 0
            if whole:
                now[node.cluster_id] += room_for(shape, free, single_job=node.single_job)
                total[node.cluster_id] += whole
        able = [cluster_id for cluster_id in queue.cluster_targets if total[cluster_id] >= shape.size.min]
        best = max(able, key=lambda cluster_id: now[cluster_id])
        return best, now[best], total[best]

    def _room_when_empty(self, node: NodeView, shape: Shape) -> int:
        return room_for(shape, self._empty(node), single_job=node.single_job) if suits(node, shape) else 0

    def _empty(self, node: NodeView) -> Free:
        known = self._whole.get(node.id)
        if known is None:
            known = self._whole[node.id] = all_of(node)
        return known


def _room_is_made(done: Pass, start: float | None) -> Reason:
    ways: list[str] = []
    if done.preemptions:
        count = len(done.preemptions)
        ways.append(f"{count} job{'s' if count > 1 else ''} of lower priority {'are' if count > 1 else 'is'} stopped")
    if done.shrinks:
        count = len(done.shrinks)
        ways.append(f"{count} elastic job{'s' if count > 1 else ''} of lower priority shrink{'' if count > 1 else 's'}")
    return Reason(
        code=ReasonCode.MAKING_ROOM,
        message=f"room is being made: {listed(ways)}",
        expected_start=start,
    )


def _sentence(node: NodeView, shape: Shape, shortages: Sequence[Shortage]) -> str:
    gpus = shape.gpus
    needs = listed([amount(each.dimension, each.needed, gpus) for each in shortages])
    if node.single_job:
        return f"needs {needs} on one node; the best is {node.name}, which runs one job at a time and has one"
    if len(shortages) == 1:
        (only,) = shortages
        free = f"{_number(only.dimension, only.free)} free of {_number(only.dimension, only.total)}"
    else:
        free = f"{listed([amount(each.dimension, each.free, None) for each in shortages])} free"
    return f"needs {needs} on one node; the best is {node.name} with {free}"


def _number(dimension: Dimension, value: int) -> str:
    return cores(value) if dimension is Dimension.CPU else str(value)


def _in(seconds: float) -> str:
    return "any moment" if seconds < 1 else f"in {span(seconds)}"
