"""The build backend: maturin, which also gets the program `fuseboard` to put into the wheel."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from maturin import *  # noqa: F403  (whatever else a front end asks for is maturin's)
import maturin

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "data" / "scripts"
# Whatever maturin is asked for, it looks there.
SCRIPTS.mkdir(parents=True, exist_ok=True)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    put_program()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    put_program()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


def put_program():
    """Builds the program, or takes the one that $FUSEBOARD_BIN names, and puts it where maturin looks."""
    given = os.environ.get("FUSEBOARD_BIN")
    program = Path(given) if given else _built()
    shutil.copy2(program, SCRIPTS / "fuseboard")


def _built():
    """The program as it is released: without shared libraries, where it can be linked so."""
    # Two symbols that the standard library only uses if they are there anyway: without them it starts children by a
    # copy of the whole process.
    spawn = "-Wl,-u,gnu_get_libc_version,-u,posix_spawn_file_actions_addchdir_np"
    static = ["--", "-C", "target-feature=+crt-static", "-C", f"link-arg={spawn}"]
    for flags in [static, []] if sys.platform == "linux" else [[]]:
        build = ["cargo", "rustc", "--release", "--package", "fuseboard-cli", "--bin", "fuseboard"]
        told = subprocess.run(
            [*build, "--message-format", "json-render-diagnostics", *flags], cwd=HERE, stdout=subprocess.PIPE, text=True
        )
        if told.returncode == 0:
            messages = (json.loads(line) for line in told.stdout.splitlines())
            return Path([message["executable"] for message in messages if message.get("executable")][-1])
    raise SystemExit("the program fuseboard could not be built; what cargo said stands above")
