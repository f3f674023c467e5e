"""Finding what a caller names: a job, an array, or an element of one, as far as the caller may see it.

Names: an id; a job's name (the newest of that name); `ID[i]` or `NAME[i]` for element i of an array. To a member,
somebody else's job does not exist.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection

from lilac.control.principals import Principal
from lilac.model.accounts import Role
from lilac.model.arrays import JobArray, array_of
from lilac.model.errors import NotFound
from lilac.model.ids import JobId, UserId, parse_uuid
from lilac.model.jobs import Job
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store import listing

_ELEMENT = re.compile(r"(.+)\[([0-9]{1,10})\]", re.DOTALL)


def find_any(conn: Connection, principal: Principal, name_or_id: str) -> Job | JobArray:
    """The job or array of this name.

    Raises:
        NotFound: there is none that the caller sees.
    """
    owner = principal.user_id if principal.role is Role.MEMBER else None
    found = _by_id(conn, name_or_id) or _by_name(conn, name_or_id, owner) or _element(conn, name_or_id, owner)
    if found is None or (owner is not None and found.owner_id != owner):
        raise NotFound(f"There is no job {name_or_id!r} that you can see.")
    return found


def _by_id(conn: Connection, text: str) -> Job | JobArray | None:
    job_id = parse_uuid(text)
    if job_id is None:
        return None
    job = job_store.get_job(conn, JobId(job_id))
    if job is not None:
        return job
    named = array_of(JobId(job_id))
    if named is None:
        return array_store.get_array(conn, JobId(job_id))
    array = array_store.get_array(conn, named[0])
    return array.row_of(named[1]) if array is not None and array.has(named[1]) else None


def _by_name(conn: Connection, name: str, owner: UserId | None) -> Job | JobArray | None:
    return listing.find_by_name(conn, name, owner)


def _element(conn: Connection, text: str, owner: UserId | None) -> Job | None:
    named = _ELEMENT.fullmatch(text)
    if named is None:
        return None
    found = _by_id(conn, named[1]) or _by_name(conn, named[1], owner)
    index = int(named[2])
    if not isinstance(found, JobArray) or not found.has(index):
        return None
    return job_store.get_element(conn, found.id, index) or found.row_of(index)
