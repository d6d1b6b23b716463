from __future__ import annotations

import os

import pytest

from crawler.pipeline import cpu
from crawler.pipeline.cpu import CpuPool, NoWorkers, WorkCrashed, linker
from crawler.settings import LinkSettings


def linker_and_process() -> tuple[str, int]:
    return linker().id, os.getpid()


def die() -> None:
    os._exit(3)


def refuse(*_: object) -> None:
    raise OSError("no memory")


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 2), (3, 2), (8, 7)])
def test_one_core_is_left_to_the_event_loop_where_there_are_more_than_two(
    cores: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert cpu.default_processes() == expected


async def test_work_runs_in_another_process_that_has_a_linker() -> None:
    async with CpuPool(LinkSettings(), (), processes=1) as pool:
        identifier, process = await pool.run(linker_and_process)
    assert identifier
    assert process != os.getpid()


async def test_without_processes_work_runs_in_a_thread_of_this_one() -> None:
    async with CpuPool(LinkSettings(), (), processes=0) as pool:
        _, process = await pool.run(linker_and_process)
    assert process == os.getpid()


async def test_work_that_kills_its_process_costs_itself_alone() -> None:
    async with CpuPool(LinkSettings(), (), processes=1) as pool:
        with pytest.raises(WorkCrashed, match="die"):
            await pool.run(die)
        assert (await pool.run(linker_and_process))[0]


async def test_workers_that_can_not_start_are_a_fault_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu.ProcessPoolExecutor, "submit", refuse)
    async with CpuPool(LinkSettings(), (), processes=1) as pool:
        with pytest.raises(NoWorkers, match="no memory"):
            await pool.run(linker_and_process)


async def test_a_pool_that_nobody_used_closes_at_once() -> None:
    async with CpuPool(LinkSettings(), (), processes=1):
        pass
