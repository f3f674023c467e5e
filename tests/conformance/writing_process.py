"""A process that writes until it is killed: `python writing_process.py URL`.

Each acknowledged job is told as one line, its number within this process and its id, right after the acknowledgement.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from lilac.model.events import EventKind
from lilac.model.jobs import Job
from lilac.store import jobs
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make

WRITERS = 8


async def main(url: str) -> None:
    database = Database.open(url)
    await database.start()
    queue = await database.write(make.store_queue)
    numbers = itertools.count()

    def submit(tx: Transaction, job: Job) -> Job:
        tx.record(make.an_event(EventKind.JOB_SUBMITTED, job_id=job.id))
        return jobs.insert_jobs(tx.conn, [job])[0]

    async def write_on() -> None:
        while True:
            job = await database.write(submit, make.a_job(queue.id))
            os.write(1, f"{next(numbers)} {job.id}\n".encode())

    await asyncio.gather(*(write_on() for _ in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
