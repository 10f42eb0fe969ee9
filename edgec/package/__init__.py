"""A build as a package for another project's build system: a layout of its files, and templates around it."""

from edgec.package.formats import FORMATS
from edgec.package.make import is_package, package_files

__all__ = ["FORMATS", "is_package", "package_files"]
