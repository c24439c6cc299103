"""The templates in `workflows/`, described: one file a task, which lists its own as TEMPLATES."""

import pkgutil
from importlib import import_module

MODULES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
TASKS = [module for module in MODULES if hasattr(module, "TEMPLATES")]
TEMPLATES = [template for task in TASKS for template in task.TEMPLATES]
