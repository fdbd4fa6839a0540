"""The build hook that compiles kernels.c, for a wheel as for an editable install.

Where that fails, as without a compiler, it says so, and the package does all by NumPy.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from hashlib import sha256
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = "abm/numerics/_kernels.abi3.so"
FLAGS = (  # -ffp-contract=off keeps the bytes those of NumPy; the next three change none
    "-std=c11 -ffp-contract=off -O3 -fno-math-errno -fno-trapping-math "
    "-shared -fPIC -DPy_LIMITED_API=0x030B0000"
    + (" -undefined dynamic_lookup" if sys.platform == "darwin" else "")
)


def compile_kernels(source: Path, library: Path, flags: str = FLAGS) -> None:
    """Compile a library of Python's stable ABI; an error if that fails."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    digest = sha256(source.read_bytes()).hexdigest()  # by which a library is known to be of it
    named = [f'-DSOURCE="{digest}"', f"-I{sysconfig.get_path('include')}"]
    command = [*shlex.split(f"{compiler} {flags}"), *named, str(source), "-o", str(library)]
    subprocess.run(command, check=True, capture_output=True, text=True)


class KernelsHook(BuildHookInterface[Any]):
    """Puts the compiled kernels beside their source, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, or say why not."""
        library = Path(self.root, LIBRARY)
        fresh = library.with_name(f"_kernels.{os.getpid()}.so")  # the one in place may be in use
        try:
            compile_kernels(library.with_name("kernels.c"), fresh)
            fresh.replace(library)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            library.unlink(missing_ok=True)
            self.app.display_warning(
                f"kernels.c was not compiled: NumPy does all, with the same results in more time "
                f"({getattr(error, 'stderr', '') or error})"
            )
            return
        finally:
            fresh.unlink(missing_ok=True)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data |= {"pure_python": False, "tag": f"cp311-abi3-{platform}"}
        build_data["artifacts"].append(LIBRARY)
