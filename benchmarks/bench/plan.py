"""What a config of the benchmark asks for: worlds, scenarios, cases, methods, paths."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from morula.errors import InputError

# Of a scenario, what decides about the parents' part of a case.
OF_PARENTS = ("parents_depth", "panel", "phase")
# Not of the case itself, but of what is done with it.
OF_METHODS = ("methods", "axis", "value", "label", "fails", "worlds", "couples")
# It compiles itself in every process, so that it runs on all cases in one; what that
# takes shows in its time on a few sites.
ALPHAPEEL = "alphapeel"
SHORT_SITES = 300
WORLD_PATHS = ("panel", "founders", "genome")


class BenchPlan:
    """A config, completed with its `defaults`.

    real_data: folder of real haplotypes; the worlds that need it are left out when it
    is not there. benches: folder of the benchmark's scripts.
    """

    def __init__(
        self, config: Mapping[str, Any], real_data: str = "", benches: str = "."
    ) -> None:
        self.config = config
        self.name = str(config["name"])
        self.docs = str(config["docs"])
        self.benches = benches
        self.data = Path(real_data)
        has_data = bool(real_data) and self.data.is_dir()
        self.worlds: dict[str, dict[str, Any]] = {
            name: dict(world)
            for name, world in config["worlds"].items()
            if has_data or "panel" not in world
        }
        self.left_out = sorted(set(config["worlds"]) - set(self.worlds))
        self.scenarios = {
            name: config["defaults"] | (scenario or {})
            for name, scenario in config["scenarios"].items()
        }
        self.methods = list(config["methods"])
        self.method_couples = dict(config.get("method_couples", {}))
        self.short_sites = SHORT_SITES
        for name, scenario in self.scenarios.items():
            odd = set(scenario["methods"]) - set(self.methods)
            odd |= set(scenario["worlds"]) - set(config["worlds"])
            odd |= set(self.method_couples) - set(self.methods)
            if odd:
                raise InputError(f"scenario {name}: unknown {', '.join(sorted(odd))}")

    def chrom(self, world: str) -> str:
        """The world's one chromosome."""
        return str(self.worlds[world]["chrom"])

    def world_files(self, world: str) -> list[str]:
        """The files that a world of real haplotypes is made of."""
        asked = self.worlds[world]
        paths = [asked[key] for key in WORLD_PATHS if key in asked]
        return [str(self.data / path) for path in [*paths, *asked.get("maps", [])]]

    def world_flags(self, world: str) -> list[str]:
        """Flags of make_world.py."""
        asked = self.worlds[world] | {"seed": self.config["seed"]}
        flags = []
        for key, value in asked.items():
            if key == "couples":
                continue
            values = value if isinstance(value, list) else [value]
            if key in (*WORLD_PATHS, "maps"):
                values = [self.data / path for path in values]
            flags += [f"--{key.replace('_', '-')}", *map(str, values)]
        return flags

    def seed_of(self, couple: int) -> int:
        """A seed for each couple: its embryos are the same in every scenario."""
        return 1000 * int(self.config["seed"]) + couple

    def parents_key(self, scenario: str) -> str:
        """Name of the parents' part, which scenarios share."""
        depth, panel, phase = (self.scenarios[scenario][key] for key in OF_PARENTS)
        return f"depth{depth}_panel{panel}_{phase}"

    def parents_flags(self, key: str) -> str:
        """Flags of make_parents.py, from that name."""
        depth, panel, phase = key.split("_")
        return (
            f"--depth {depth.removeprefix('depth')}"
            f" --panel-size {panel.removeprefix('panel')} --phase {phase}"
        )

    def parents_file(self, wildcards: Any, name: str) -> str:
        """A file of the parents' part of a case."""
        key = self.parents_key(wildcards.scenario)
        return f"parents/{wildcards.world}/{key}/{wildcards.couple}/{name}"

    def scenario_text(self, scenario: str) -> dict[str, Any]:
        """What make_case.py is told: changes of anything else remake no case."""
        left_out = (*OF_PARENTS, *OF_METHODS)
        asked = self.scenarios[scenario].items()
        return {key: value for key, value in asked if key not in left_out}

    def couples(self, world: str, scenario: str) -> range:
        """Couples of a world that a scenario uses."""
        here = int(self.worlds[world]["couples"])
        return range(min(here, int(self.scenarios[scenario].get("couples", here))))

    def cases(self) -> Iterator[tuple[str, str, int]]:
        """(world, scenario, couple) of every case."""
        for name, scenario in self.scenarios.items():
            for world in scenario["worlds"]:
                if world in self.worlds:
                    for couple in self.couples(world, name):
                        yield world, name, couple

    def rows(self) -> list[str]:
        """The judged rows of every case."""
        return [f"cases/{w}/{s}/{couple}/rows.tsv" for w, s, couple in self.cases()]

    def runs(self, method: str, scenario: str, couple: int) -> bool:
        """Whether a method is run on a case: `method_couples` says of slow ones how
        many couples they get."""
        if method not in self.scenarios[scenario]["methods"]:
            return False
        return couple < int(self.method_couples.get(method, couple + 1))

    def results(self, wildcards: Any) -> list[str]:
        """Results of the methods that are run on a case."""
        name, couple = wildcards.scenario, int(wildcards.couple)
        folder = f"cases/{wildcards.world}/{name}/{couple}"
        methods = self.scenarios[name]["methods"]
        return [f"{folder}/{m}.npz" for m in methods if self.runs(m, name, couple)]

    def judged_names(self, scenario: str) -> list[str]:
        """Under which names a scenario's cases are judged: its own, or one for each
        embryo where they differ in depth."""
        depth = self.scenarios[scenario]["depth"]
        if not isinstance(depth, list):
            return [scenario]
        return [f"{scenario}_{one}" for one in depth]

    def scenario_rows(self) -> Iterator[dict[str, object]]:
        """Rows of scenarios.tsv: scenario axis value label fails."""
        for name, scenario in self.scenarios.items():
            judged = self.judged_names(name)
            depth = scenario["depth"]
            values = depth if isinstance(depth, list) else [scenario.get("value", "")]
            for one, value in zip(judged, values, strict=True):
                yield {
                    "scenario": one,
                    "axis": scenario.get("axis", ""),
                    "value": str(value),
                    "label": scenario.get("label", one),
                    "fails": scenario.get("fails", ""),
                }

    @property
    def command(self) -> str:
        """What a user types to make the page."""
        return "make bench" if self.name == "full" else f"make bench-{self.name}"

    def timed(self, name: str) -> str:
        """A file of the case on which the methods are timed."""
        wanted = self.config["timed"]
        world = next(one for one in wanted["worlds"] if one in self.worlds)
        return f"cases/{world}/{wanted['scenario']}/0/{name}"

    def timed_flags(self) -> list[str]:
        """Flags of time_methods.py: each method's command on the timed case."""
        _, world, scenario, couple, _ = self.timed("").split("/")
        case = SimpleNamespace(world=world, scenario=scenario, couple=couple)
        python = shlex.quote(sys.executable)
        flags = []
        for method in self.scenarios[scenario]["methods"]:
            command = " ".join(map(shlex.quote, self.method_command(method, case)))
            output = f"--output {{folder}}/{method}.npz"
            flags += ["--method", method, f"{python} {command} {output}"]
        if self.config["timed"]["few_sites"]:
            short = f"--case {self.timed('short.npz')} --output {{folder}}/short.npz"
            command = f"{python} {self.benches}/{self.method_script(ALPHAPEEL)} {short}"
            name = f"{ALPHAPEEL}_{SHORT_SITES}_sites"
            flags += ["--method", name, command, "--cold", ALPHAPEEL, name]
        return flags

    def alphapeel(self, name: str) -> list[str]:
        """A file of every case that AlphaPeel is run on."""
        return [
            f"cases/{world}/{scenario}/{couple}/{name}"
            for world, scenario, couple in self.cases()
            if self.runs(ALPHAPEEL, scenario, couple)
        ]

    def method_script(self, method: str) -> str:
        """The script of a method; the four-state chain's two kinds share one."""
        return f"run_{method.removesuffix('_switch')}.py"

    def method_command(self, method: str, wildcards: Any) -> list[str]:
        """Script and flags of a method on a case, without its output."""
        folder = f"cases/{wildcards.world}/{wildcards.scenario}/{wildcards.couple}"
        words = [f"{self.benches}/{self.method_script(method)}"]
        words += ["--case", f"{folder}/case.npz"]
        return [*words, *self._more_flags(method, wildcards, folder)]

    def _more_flags(self, method: str, wildcards: Any, folder: str) -> list[str]:
        """What only some of the methods are told."""
        seed = ["--seed", str(self.seed_of(int(wildcards.couple)))]
        map_flags = ["--map", f"worlds/{wildcards.world}/average.map"]
        if method == "four_state_switch":
            return ["--switch", str(self.config["switch_rate"])]
        if method == "beagle":
            return [
                "--panel",
                self.parents_file(wildcards, "panel.bcf"),
                *map_flags,
                *seed,
            ]
        if method != "morula":
            return []
        scenario = self.scenarios[wildcards.scenario]
        flags = []
        for flag, letter, key in (("", "E", "embryos"), ("child-", "C", "children")):
            numbers = range(1, int(scenario.get(key, 0)) + 1)
            counts = [f"{folder}/{letter}{number}.counts.bcf" for number in numbers]
            flags += [f"--{flag}counts", *counts] if counts else []
        for flag, name in (
            ("family-sites", "family.npz"),
            ("phased", "phased.bcf"),
            ("imputed-parents", "imputed.bcf"),
        ):
            flags += [f"--{flag}", self.parents_file(wildcards, name)]
        flags += ["--mother", "M1", "--father", "P1", *map_flags, *seed]
        flags += ["--amplification", scenario["amplification"]]
        return (
            [*flags, "--cells", str(scenario["cells"])] if scenario["cells"] else flags
        )
