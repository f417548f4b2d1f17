"""Refuses to be imported in a sub-interpreter: the native half calls back into the main one."""


def _is_main() -> bool:
    try:
        import _interpreters as interpreters  # type: ignore[import-not-found]  # 3.13 and newer
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters  # type: ignore[import-not-found]
        except ImportError:
            return True
    return bool(interpreters.get_current() == interpreters.get_main())


if not _is_main():
    raise ImportError("fuseboard cannot be used in a sub-interpreter; import it in the main one, or use processes")
