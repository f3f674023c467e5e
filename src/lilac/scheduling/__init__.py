"""How placements are decided: `plan(snapshot, now) -> Plan`, a pure function.

The README beside this file draws the flow and explains the words. The control plane's loop owns a `Board`, tells it
every change, takes its `snapshot()`, calls `plan` and applies what comes back; `explain` and `satisfiable` answer
questions about single jobs from the same snapshot.
"""

from lilac.scheduling.board import Board, Counts, Snapshot
from lilac.scheduling.explaining import Explanation, NodeFit, explain
from lilac.scheduling.line import WaitingLine
from lilac.scheduling.passing import Policy
from lilac.scheduling.planning import plan
from lilac.scheduling.plans import Grow, Placement, Plan, Preempt, Reasons, Shrink, Start
from lilac.scheduling.reasons import Change, Dimension, Holder, Reason, ReasonCode, Shortage
from lilac.scheduling.satisfying import satisfiable
from lilac.scheduling.views import HeldReplica, NodeView, QueueView, RunningJob, Shape, WaitingJob, placed, shape_of

__all__ = [
    "Board",
    "Change",
    "Counts",
    "Dimension",
    "Explanation",
    "Grow",
    "HeldReplica",
    "Holder",
    "NodeFit",
    "NodeView",
    "Placement",
    "Plan",
    "Policy",
    "Preempt",
    "QueueView",
    "Reason",
    "ReasonCode",
    "Reasons",
    "RunningJob",
    "Shape",
    "Shortage",
    "Shrink",
    "Snapshot",
    "Start",
    "WaitingJob",
    "WaitingLine",
    "explain",
    "placed",
    "plan",
    "satisfiable",
    "shape_of",
]
