"""Puts off the client of Lance's namespace servers, which LanceDB imports and an index never uses.

`import lancedb` imports `lance_namespace_urllib3_client`: functions over HTTP and 150 pydantic
models, generated from a specification. To build the checks of all of them takes 1.2 of the 1.7 s of
a core that `import lancedb` takes (LanceDB 0.40). Here they are built when something uses them for
the first time; whoever uses them, a host too, gets the very same classes and functions.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from pydantic import BaseModel

_INTERFACE, _CLIENT = "lance_namespace", "lance_namespace_urllib3_client"

_lock = threading.RLock()


def put_off_namespace_client() -> None:
    """Import `lance_namespace` without what is slow about it; do nothing if it is imported.

    `lancedb` may be imported in the usual way afterwards.
    """
    with _lock:
        if _INTERFACE in sys.modules or _CLIENT in sys.modules:
            return
        spec = find_spec(_CLIENT)
        if spec is None or find_spec(_INTERFACE) is None:
            return
        package = module_from_spec(spec)
        package.__class__ = _PackagePutOff
        sys.modules[_CLIENT] = package
        with _models_built_when_used():
            import_module(_INTERFACE)


class _PackagePutOff(ModuleType):
    """A package whose own code runs when something asks for a name that it defines.

    Its submodules are imported as ever; `lance_namespace` asks for the models alone. (The standard
    `importlib.util.LazyLoader` runs a package's code already when a submodule is imported.)
    """

    _is_running = False

    def __getattr__(self, name: str) -> Any:
        """Run the package's code, once, and return what it has defined."""
        with _lock:  # Another thread waits here until every name is there.
            if isinstance(self, _PackagePutOff) and not _PackagePutOff._is_running:
                self._run()
        if name not in vars(self):
            raise AttributeError(f"module {_CLIENT!r} has no attribute {name!r}")
        return vars(self)[name]

    def _run(self) -> None:
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        _PackagePutOff._is_running = True
        try:
            self.__spec__.loader.exec_module(self)
            module: ModuleType = self
            module.__class__ = ModuleType
        finally:
            _PackagePutOff._is_running = False


@contextmanager
def _models_built_when_used() -> Iterator[None]:
    """Let pydantic check the fields of the models that are defined meanwhile at their first use.

    That is pydantic's own `defer_build`, which a model inherits from its base. A model that another
    thread defines meanwhile is built at its first use too, and is the same then.
    """
    before = BaseModel.model_config
    BaseModel.model_config = {**before, "defer_build": True}
    try:
        yield
    finally:
        BaseModel.model_config = before
