def _no_processes(self, *args, **named):
    raise OSError("processes are not available in the sandbox: there is nothing to start")


Popen.__init__ = _no_processes
Popen.__del__ = lambda self: None
