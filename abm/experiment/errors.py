"""What may befall the workers of a run."""


class WorkerDiedError(RuntimeError):
    """A worker process was killed, by the system for want of memory or by hand."""


class UnusableWorkerError(RuntimeError):
    """A worker cannot read a task: it lacks this package or a module, or has another version."""
