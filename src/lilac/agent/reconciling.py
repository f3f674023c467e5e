"""What to do so that the machine looks like the list: a pure function of the list and of what is held.

| listed                      | held    | action                                                       |
| --------------------------- | ------- | ------------------------------------------------------------ |
| run, known state assigned   | no      | `Start`                                                      |
| run, known state later      | no      | `TellLost`: it may have run already, so it is not run again  |
| run                         | yes     | nothing: its state is reported, also after its end           |
| stop                        | active  | `Stop`, once                                                 |
| stop                        | no      | `TellStopped`                                                |
| stop                        | ended   | nothing: its own end is reported                             |
| no                          | active  | `Stop`, once; it is removed when it has ended                |
| no                          | ended   | `Remove`, once its output is shipped                         |

Deciding is repeated at every reply and every change, so a decision whose time has not come yet is simply not made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lilac.agent.wire import Assignment, Desired, Listed
from lilac.model.ids import ReplicaKey
from lilac.model.states import ReplicaState


@dataclass(frozen=True, slots=True)
class HeldView:
    """As much of a held replica as deciding needs."""

    ended: bool
    stopping: bool = False
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class TellLost:
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class TellStopped:
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Stop:
    key: ReplicaKey


@dataclass(frozen=True, slots=True)
class Remove:
    key: ReplicaKey


Action = Start | TellLost | TellStopped | Stop | Remove


def decide(listed: Mapping[ReplicaKey, Listed], held: Mapping[ReplicaKey, HeldView]) -> list[Action]:
    """Return the actions that bring the machine nearer to the list; stops and removals come before starts."""
    actions: list[Action] = []
    for key, view in held.items():
        item = listed.get(key)
        if item is not None and item.desired is Desired.RUN:
            continue
        if not view.ended:
            if not view.stopping:
                actions.append(Stop(key))
        elif item is None and view.shipped:
            actions.append(Remove(key))
    for key, item in listed.items():
        if key in held:
            continue
        if item.desired is Desired.STOP:
            actions.append(TellStopped(item.assignment))
        elif item.known_state is ReplicaState.ASSIGNED:
            actions.append(Start(item.assignment))
        else:
            actions.append(TellLost(item.assignment))
    return actions
