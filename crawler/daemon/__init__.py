"""Who works when: the workers of `wiretrace run`, their leases, and a shutdown that loses nothing."""

from crawler.daemon.service import RunResult, run

__all__ = ["RunResult", "run"]
