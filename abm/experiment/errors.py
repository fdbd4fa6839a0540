"""What may befall the workers of a run, and what of it cannot be told to them."""


class WorkerDiedError(RuntimeError):
    """A worker process was killed, by the system for want of memory or by hand."""


class UnusableWorkerError(RuntimeError):
    """A worker cannot read a task: it lacks this package or a module, or has another version."""


class UnknownCodeError(TypeError):
    """Something has no digest: it cannot be told whether it is the same in another process."""
