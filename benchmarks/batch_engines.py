"""Time and memory of `wiretrace link` on synthetic articles, by engine; and whether both write the same rows.

    python benchmarks/batch_engines.py [--articles 100000] [--words 200] [--engines local spark]
    python benchmarks/batch_engines.py --corpus CORPUS_DIR     # a labelled corpus in place of synthetic articles

Each engine runs as a process of its own, as a user starts it. A fifth of the articles are originals, a tenth rework
one. Words are drawn by Zipf's law from an invented vocabulary, names and numbers among them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "la",
    "me",
    "ni",
    "po",
    "ru",
    "sa",
    "te",
    "vi",
    "wo",
    "ka",
    "lem",
    "dor",
    "ran",
    "sil",
)


class Writer:
    """Invents texts."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.words = ["".join(self.source.choices(SYLLABLES, k=self.source.randint(1, 4))) for _ in range(60_000)]
        self.weights = list(accumulate(1 / (rank + 3) for rank in range(len(self.words))))

    def word(self) -> str:
        return self.words[bisect_left(self.weights, self.source.random() * self.weights[-1])]

    def story(self, words: int) -> list[list[str]]:
        """Sentences of some 20 words; with names and numbers as news has them."""
        names = [self.word().capitalize() + " " + self.word().capitalize() for _ in range(6)]
        made = []
        for _ in range(max(1, words // 20)):
            sentence = [self.word() for _ in range(17)]
            sentence[5] = self.source.choice(names)
            sentence[11] = str(self.source.randint(2, 9_999))
            made.append(sentence)
        return made

    def reworked(self, story: Sequence[Sequence[str]]) -> list[list[str]]:
        """A third of the plain words changed."""
        return [
            [self.word() if one.islower() and self.source.random() < 0.33 else one for one in sentence]
            for sentence in story
        ]


def articles(count: int, words: int) -> Iterator[dict[str, str]]:
    writer = Writer(1)
    originals: list[list[list[str]]] = []
    for number in range(count):
        is_original = number % 5 == 0
        story = writer.story(words)
        if is_original:
            originals.append(story)
            originals = originals[-5_000:]
        elif number % 10 == 1:
            story = writer.reworked(writer.source.choice(originals))
        text = " ".join(" ".join(sentence).capitalize() + "." for sentence in story)
        yield {"id": f"a{number}", "role": "origin" if is_original else "aggregator", "title": "", "text": text}


class Family:
    """A process with all that it starts: their CPU time, looked up while they run, for Java's children are no one's."""

    def __init__(self, process: int) -> None:
        self._root = process
        self._ticks: dict[int, int] = {}
        self._resident: dict[int, int] = {}

    def look(self) -> None:
        parents: dict[int, int] = {}
        ticks: dict[int, int] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                after_name = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            process = int(path.parent.name)
            parents[process], ticks[process] = int(after_name[1]), int(after_name[11]) + int(after_name[12])
            self._resident[process] = max(self._resident.get(process, 0), int(after_name[21]) * 4_096)
        for process in parents:
            one = process
            while one in parents and one != self._root:
                one = parents[one]
            if one == self._root:
                self._ticks[process] = ticks[process]

    @property
    def cpu(self) -> float:
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")

    @property
    def largest(self) -> int:
        """Bytes of the largest process."""
        return max((self._resident[one] for one in self._ticks), default=0)


def run(engine: str, folder: Path, given: Sequence[str], conf: Sequence[str]) -> None:
    """Links, and tells what it took."""
    command = [sys.executable, "-m", "crawler", "link", "--engine", engine, *given, "--out", f"{engine}.jsonl"]
    if engine == "spark":
        command += [part for pair in conf for part in ("--conf", pair)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    start = time.perf_counter()
    with (folder / f"{engine}.err").open("w+", encoding="utf-8") as err:
        ran = subprocess.Popen(command, cwd=folder, env=environment, stdout=err, stderr=err)
        family = Family(ran.pid)
        while ran.poll() is None:
            family.look()
            time.sleep(0.5)
        took = time.perf_counter() - start
        err.seek(0)
        said = err.read()
    if ran.returncode:
        sys.exit(said)
    print(
        f"{engine}: {took:,.0f} s by the clock, {family.cpu:,.0f} s of CPU, "
        f"largest process {family.largest / 1e6:,.0f} MB"
    )
    lines = [line for line in said.splitlines() if "expects" in line or "articles=" in line]
    print("  " + "\n  ".join(lines), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--engines", nargs="+", default=["local", "spark"], choices=["local", "spark"])
    parser.add_argument("--conf", action="append", default=["spark.driver.memory=2g", "spark.ui.enabled=false"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="batch-engines-") as name:
        folder = Path(name)
        if given.corpus is None:
            dump = folder / "dump.jsonl"
            with dump.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in articles(given.articles, given.words))
            print(f"{given.articles:,} articles of {given.words} words, {dump.stat().st_size / 1e6:,.0f} MB")
        else:
            found = [one for one in given.corpus.glob("articles.jsonl*") if one.is_file()]
            dump = found[0].resolve()
        for engine in given.engines:
            run(engine, folder, ["--in", str(dump)], given.conf)
        if len(given.engines) == 2:
            digests = {hashlib.sha256((folder / f"{one}.jsonl").read_bytes()).hexdigest() for one in given.engines}
            print("the rows of both are the same" if len(digests) == 1 else "the rows of both DIFFER")
            sys.exit(len(digests) > 1)


if __name__ == "__main__":
    main()
