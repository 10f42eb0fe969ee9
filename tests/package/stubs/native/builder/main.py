"""Builds a program with this machine's compiler."""

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment  # type: ignore[import-not-found]

env = DefaultEnvironment()
Default(AlwaysBuild(env.Alias("build", env.BuildProgram())))
