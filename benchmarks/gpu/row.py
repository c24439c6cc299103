"""Rows of the table: planned, then measured, failed or left out."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.gpu.bench import Bench

LEFT_OUT = "left out: "
TIME_IS_UP = "the time was up"


@dataclass(frozen=True)
class Row:
    """One row to be measured.

    Attributes:
        kind: of the table that it belongs to.
        names: what it is about.
        measure: what is found.
        missing: why it cannot be measured here; empty: it can.
    """

    kind: str
    names: dict[str, str]
    measure: Callable[[Bench], dict]
    missing: str = ""

    def record(self, found: dict) -> dict:
        return {"kind": self.kind} | self.names | found

    def said(self, why: str) -> dict:
        return self.record({"said": why})

    def measured(self, bench: Bench) -> dict:
        """Whatever goes wrong in a host is a finding, too."""
        if self.missing or bench.time_is_up:
            return self.said(LEFT_OUT + (self.missing or TIME_IS_UP))
        try:
            return self.record(self.measure(bench))
        except TimeoutError:
            return self.said(LEFT_OUT + TIME_IS_UP)
        except Exception as error:
            return self.said(f"failed: {first_sentence(error)}")


@dataclass(frozen=True)
class Session:
    """Rows that one host measures, in the order of their importance, and the options that it is started with."""

    rows: list[Row]
    options: tuple[str, ...] = ()


def first_sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].split(". ")[0]
