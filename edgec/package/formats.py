"""The packages there are: which files each has beside the library, and for which builds it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edgec.package.facts import Facts
from edgec.package.firmware import firmware_files
from edgec.package.wheel import wheel_files
from edgec.target import KINDS, Target

Files = Mapping[str, str | bytes]
_DSP = frozenset({"dsp", "dual"})
_ALL = _DSP | {"mve", "neon", "dotprod"}
_ARDUINO = (
    *(
        "apollo3",
        "esp32",
        "esp8266",
        "mbed",
        "mbed_edge",
        "mbed_giga",
        "mbed_nano",
        "mbed_nicla",
        "mbed_opta",
    ),
    *("mbed_portenta", "mbed_rp2040", "nrf52", "renesas", "renesas_portenta", "renesas_uno", "rp2040", "sam"),
    *("samd", "silabs", "stm32", "teensy", "zephyr"),
)
"""Arduino cores as library.properties names them; kernels need an int of 32 bits, so avr is none of them."""


@dataclass(frozen=True)
class Format:
    """One kind of package.

    files: path in the package -> template below templates/packages/NAME; `{name}` in a path is the package's
    name, and a template that gives nothing gives no file. source: the folder of the library, "" for none.
    features: of the processors that the package's users have, those that kernels may be laid out for. kinds,
    boards: of targets, and of their firmware, the beginning of its name. threads: POSIX threads exist.
    further: files that are no templates. values: what only its templates know. wants: builds it can be made
    of, and a target that gives one.
    """

    name: str
    what: str
    files: Mapping[str, str]
    wants: str
    target: str
    source: str = "src"
    features: frozenset[str] = _ALL
    kinds: tuple[str, ...] = KINDS
    boards: str = ""
    threads: bool = False
    further: Callable[[Facts], Files] = field(default=lambda facts: {})
    values: Mapping[str, object] = field(default_factory=dict)

    def takes(self, target: Target) -> bool:
        """Whether a build for this target can become such a package."""
        return (
            target.kind in self.kinds
            and target.board.startswith(self.boards)
            and target.features <= self.features
        )


FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format(
            "cmake",
            "a CMake package: find_package(edgec_NAME) or add_subdirectory",
            {
                "CMakeLists.txt": "CMakeLists.txt.j2",
                "cmake/edgec_{name}-config.cmake.in": "config.cmake.in.j2",
                "cmake/toolchain.cmake": "toolchain.cmake.j2",
                "example/CMakeLists.txt": "example.cmake.j2",
                "example/main.c": "main.c.j2",
            },
            wants="any target",
            target="host",
            threads=True,
        ),
        Format(
            "zephyr",
            "a Zephyr module with a sample",
            {
                "west.yml": "west.yml.j2",
                "zephyr/module.yml": "module.yml.j2",
                "zephyr/CMakeLists.txt": "CMakeLists.txt.j2",
                "zephyr/Kconfig": "Kconfig.j2",
                "samples/{name}/CMakeLists.txt": "sample.cmake.j2",
                "samples/{name}/prj.conf": "prj.conf.j2",
                "samples/{name}/sample.yaml": "sample.yaml.j2",
                "samples/{name}/src/main.c": "main.c.j2",
            },
            wants="any target",
            target="host",
        ),
        Format(
            "platformio",
            "a PlatformIO library",
            {
                "library.json": "library.json.j2",
                "examples/{name}/platformio.ini": "platformio.ini.j2",
                "examples/{name}/src/main.cpp": "main.cpp.j2",
            },
            wants="plain C, or Arm's DSP extension",
            target="host",
            features=_DSP,
        ),
        Format(
            "arduino",
            "an Arduino library",
            {
                "library.properties": "library.properties.j2",
                "keywords.txt": "keywords.txt.j2",
                "examples/{name}/{name}.ino": "example.ino.j2",
            },
            wants="plain C, or Arm's DSP extension",
            target="host",
            features=_DSP,
            values={"architectures": ",".join(_ARDUINO)},
        ),
        Format(
            "esp-idf",
            "an ESP-IDF component",
            {
                "CMakeLists.txt": "CMakeLists.txt.j2",
                "Kconfig": "Kconfig.j2",
                "idf_component.yml": "idf_component.yml.j2",
                "examples/{name}/CMakeLists.txt": "example.cmake.j2",
                "examples/{name}/sdkconfig.defaults": "sdkconfig.defaults.j2",
                "examples/{name}/main/CMakeLists.txt": "main.cmake.j2",
                "examples/{name}/main/idf_component.yml": "main.idf_component.yml.j2",
                "examples/{name}/main/main.c": "main.c.j2",
            },
            wants="plain C: no ESP32 has Arm's instructions",
            target="host",
            features=frozenset(),
        ),
        Format(
            "cubeide",
            "a project for STM32CubeIDE",
            {
                ".project": "project.j2",
                ".cproject": "cproject.j2",
                "firmware/sections.h": "sections.h.j2",
            },
            wants="an STM32",
            target="stm32f746",
            kinds=("mcu",),
            boards="stm32",
            further=firmware_files,
        ),
        Format(
            "wheel",
            "a Python wheel with a shared library",
            {},
            wants="Linux: a Cortex-A, or this machine",
            target="cortex-a53",
            source="",
            kinds=("linux", "host"),
            threads=True,
            further=wheel_files,
        ),
    )
}
