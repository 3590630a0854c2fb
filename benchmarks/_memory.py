"""The most memory that a process has held, for scripts that run in a process of their own."""

#: Source of a function ``peak()`` in mebibytes. `resource` would count what the parent held when it started the process.
PEAK = """
def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        import resource, sys

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
"""
