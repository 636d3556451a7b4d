"""Write Reglet plugins in Python: what a plugin author imports, and nothing else.

The names are loaded all together when the first is used, and are plain attributes from then on: the command
line and the sandbox, which only run plugins, start without what plugins are made of.
"""

from typing import TYPE_CHECKING

from reglet.application import __version__ as __version__

if TYPE_CHECKING:
    from reglet import answers as answers
    from reglet import config as config
    from reglet import errors as errors
    from reglet import exec as exec  # noqa: A004 - a face; nothing here runs code
    from reglet import log as log
    from reglet.application.face import *  # noqa: F403 - its `__all__` is the list
else:  # a type checker that saw it would take any name for one that is here

    def __getattr__(name: str) -> object:
        if name.startswith("__") and name != "__all__":  # tools ask every module for those
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        from reglet.application import face

        for other in ("answers", "config", "errors", "exec", "log"):
            import_module(f"{__name__}.{other}")
        names = globals()
        names.update({each: getattr(face, each) for each in face.__all__}, __all__=face.__all__)
        if name not in names:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return names[name]

    def __dir__() -> list[str]:
        __getattr__("__all__")
        return sorted(globals())
