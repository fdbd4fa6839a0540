"""What is raised and warned of where a folder is not as a run left it."""


class FolderTakenError(FileExistsError):
    """The output folder holds something that this run must not replace."""


class DamageWarning(UserWarning):
    """A file of an earlier run is damaged, and is made again."""
