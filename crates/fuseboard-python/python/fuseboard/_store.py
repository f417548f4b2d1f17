"""Where the program `fuseboard` keeps its circuits."""

import os
from pathlib import Path


def default_store() -> str:
    """The store that the program `fuseboard` uses unless its configuration names another one: `$FUSEBOARD_STORE`, else
    `state.db` in `$STATE_DIRECTORY`, in `$XDG_STATE_HOME/fuseboard`, in `~/.local/state/fuseboard`, or for root in
    `/var/lib/fuseboard`.

    >>> import os
    >>> os.environ["FUSEBOARD_STORE"] = "sqlite:/srv/app/state.db"
    >>> default_store()
    'sqlite:/srv/app/state.db'
    """
    given = os.environ.get("FUSEBOARD_STORE")
    return given if given else f"sqlite:{_state_folder() / 'state.db'}"


def _state_folder() -> Path:
    own, state, home = (os.environ.get(name, "") for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"))
    if os.path.isabs(own):
        return Path(own)
    if os.path.isabs(state):
        return Path(state) / "fuseboard"
    if os.path.isabs(home) and os.geteuid() != 0:
        return Path(home) / ".local/state/fuseboard"
    return Path("/var/lib/fuseboard")
