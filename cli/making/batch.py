"""A batch: made in this process or in several, which share it by their claims, and shown."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.edge import message_of
from stylize.cli.making.batch_worker import Batch, Tell, work
from stylize.cli.making.opening import announce, open_model
from stylize.cli.making.paths import make_folder
from stylize.cli.showing.tally import Tally
from stylize.cli.showing.telling import State, telling
from stylize.cli.signals import heed_signals
from stylize.cli.terminal import note, prepare_streams
from stylize.models.errors import OptionError, ProviderError, StylizeError
from stylize.runtime.batches.record import FILE, News
from stylize.runtime.method.options import STARTS

if TYPE_CHECKING:
    from stylize.runtime import Model
    from stylize.runtime.batches.distant import Studio

MOST_ASKING = 64
"""Processes that ask workers for pictures. Each reads and saves, and takes 0.1 GB."""


def make_batch(batch: Batch, jobs: int, quiet: bool, json: bool = False) -> bool:
    """Make the pictures of a batch, in one process or in several; tell what came of them.

    Returns
    -------
    bool
        Whether none failed.

    Raises
    ------
    StylizeError
        The model cannot be opened, or nothing can be written to the folder.
    """
    if batch.machine.cluster:
        _check_cluster(batch, jobs)
    make_folder(batch.folder)
    model = _model(batch)
    if not quiet:
        announce(model, batch.machine)
    tally = Tally(len(batch.pairs), quiet)
    with telling(partial(_tell, tally, batch.folder, json)), closing(tally):
        if batch.machine.cluster:
            _work_on_workers(batch, model, tally.take)
        elif jobs == 1:
            work(batch, model, tally.take)
        else:
            _work_in_processes(_shared(batch, model, jobs), jobs, tally.take)
    return not tally.failed


def _tell(tally: Tally, folder: Path, json: bool, state: State) -> None:
    """Tell what came of all, to people or to programs."""
    if json:
        from stylize.cli.showing.reporting import report_batch

        report_batch(state, tally, folder)
    else:
        for line in tally.summary(str(folder / FILE)):
            note(line)


def _check_cluster(batch: Batch, jobs: int) -> None:
    if jobs > 1:
        raise OptionError("--jobs and --cluster both make several processes. Give one of them.")
    if batch.interval.asked and not batch.interval.never:
        raise OptionError(
            "Workers of a cluster write no checkpoints: a picture that is lost there is begun anew."
            " Leave out --cluster or --checkpoint."
        )
    if batch.options.init not in STARTS:
        raise OptionError(
            f"--init '{batch.options.init}' is a file, and the workers of a cluster are sent only "
            "the photo and the painting. Start from photo, painting, noise or grey."
        )


def _model(batch: Batch) -> "Model":
    """Open the model for whole pictures: no worker has but a part of one."""
    return open_model(replace(batch.machine, cluster=None), keeping=True, spare=batch.spare)


def _work_on_workers(batch: Batch, model: "Model", tell: Tell) -> None:
    """Let each worker of a cluster paint whole pictures, for each of which a process here asks."""
    from stylize.runtime.cluster.extra import connect

    assert batch.machine.cluster
    cluster = connect(batch.machine.cluster)
    from stylize.runtime.batches.painter import ready

    cluster.on_each(ready)
    machine = replace(batch.machine, cluster=cluster.address)
    spare = cluster.memory_to_spare() if model.provider.memory == "cpu" else None
    asking = min(cluster.count, MOST_ASKING)
    _work_in_processes(replace(batch, machine=machine, spare=spare), asking, tell)


def _work_in_processes(batch: Batch, jobs: int, tell: Tell) -> None:
    """Do what `work` does in so many processes.

    Raises
    ------
    StylizeError
        What one of them raises, once all have ended; or all were killed.
    """
    pipes: dict[Connection, BaseProcess] = {}
    try:
        with _started(batch, jobs, pipes):
            failures = _heard(pipes, tell)
    except KeyboardInterrupt:
        _heard(pipes, tell)  # what they have told of their pictures at their end
        raise
    if failures:
        raise ProviderError(" ".join(dict.fromkeys(failures)))


def _heard(pipes: Mapping[Connection, BaseProcess], tell: Tell) -> list[str]:
    """Pass on what processes tell, until all have ended; return why some did so early."""
    failures: list[str] = []
    open_pipes = list(pipes)
    while open_pipes:
        for pipe in wait(open_pipes):
            assert isinstance(pipe, Connection)
            try:
                told = pipe.recv()
            except (EOFError, OSError):
                open_pipes.remove(pipe)
                failures += _why(pipes[pipe])
                continue
            if isinstance(told, str):
                failures.append(told)
            else:
                tell(told)
    return failures


def _shared(batch: Batch, model: "Model", jobs: int) -> Batch:
    """Return what each of several processes here makes, with its share of CPUs and memory.

    What the user gave is for each of them. The memory that is free is found out now, before one of
    them takes any.
    """
    from stylize.runtime.providers.hardware import usable_cpus

    threads = batch.machine.threads or max(1, usable_cpus() // jobs)
    spare = model.memory_to_spare()
    return replace(
        batch,
        machine=replace(batch.machine, threads=threads),
        spare=None if spare is None else spare // jobs,
    )


@contextmanager
def _started(batch: Batch, jobs: int, processes: dict[Connection, BaseProcess]) -> Iterator[None]:
    """Start processes, added under the pipes through which they tell; at the end, none is left."""
    context = get_context("spawn")  # a fork would copy threads' locks
    try:
        for number in range(jobs):
            receiver, sender = context.Pipe(duplex=False)
            given = batch, number, sender
            process: BaseProcess = context.Process(target=_work, args=given, daemon=True)
            process.start()
            sender.close()
            processes[receiver] = process
        yield
    finally:
        for process in processes.values():
            process.terminate()  # it saves what it has
        for process in processes.values():
            process.join()


def _work(batch: Batch, number: int, pipe: Connection) -> None:
    """Be one of the processes, counted from 0."""
    heed_signals()
    prepare_streams()

    def tell(news: News) -> None:
        try:
            pipe.send(news)
        except OSError as error:  # nobody listens: the process that started this one was killed
            raise KeyboardInterrupt from error

    try:
        model = _model(batch)
        work(batch, model, tell, _studio(batch, number, model))
    except StylizeError as error:
        pipe.send(message_of(error))
    except KeyboardInterrupt:
        sys.exit(0)


def _studio(batch: Batch, number: int, model: "Model") -> "Studio | None":
    """Return the worker that paints for a process, if pictures are painted elsewhere."""
    from stylize.runtime.cluster.extra import connect

    if not batch.machine.cluster:
        return None
    cluster = connect(batch.machine.cluster)
    from stylize.runtime.batches.distant import Studio

    return Studio(cluster, number, model)


def _why(process: BaseProcess) -> list[str]:
    """Return in a sentence why a process has ended early, if it has."""
    process.join()
    if not process.exitcode:
        return []
    return [
        f"A process of the batch ended early (exit code {process.exitcode}). If the system killed "
        "it, memory may have run out: use a smaller --jobs or --size. Run the same command again "
        "to go on."
    ]
