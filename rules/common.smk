# What all stages share: the config with its defaults, the project of the sheets, paths
# of scripts, closed wildcards. The checks themselves are in scripts/morula.
import os
import re
import sys
from pathlib import Path

# Relative to the working directory: an absolute path would rerun all when the checkout
# is moved.
scripts = Path(os.path.relpath(workflow.basedir)) / "scripts"

if str(Path(workflow.basedir) / "scripts") not in sys.path:
    sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from morula import settings
from morula.errors import InputError
from morula.project import load as load_project


def library(*modules):
    """Files of the library that a script imports: a change of one reruns the rule."""
    shared = ("errors", "atomic", "cli", "tables")
    return [scripts / "morula" / f"{name}.py" for name in (*modules, *shared)]


def or_refuse(work):
    """`work()`; a mistake of the user ends Snakemake with its message alone."""
    try:
        return work()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2)


def load_inputs():
    """The completed config and the project; files are looked at before the start
    only, not again in the process of every job."""
    schemas = Path(workflow.basedir) / "config/schemas"
    completed = settings.complete(
        config,
        settings.read_schema(schemas / "config.schema.yaml"),
        workflow.configfiles,
    )
    project = load_project(completed, schemas)
    if workflow.is_main_process:
        from morula.input_checks import check_files

        check_files(completed, project, workflow.configfiles)
    return completed, project


def one_of(names):
    """Wildcard constraint: one of `names`; matches nothing when there are none."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


completed_config, project = or_refuse(load_inputs)
config.clear()
config.update(completed_config)
chromosomes = config["reference"]["chromosomes"]


wildcard_constraints:
    family=one_of(project.families),
    sample=one_of(project.samples),
    embryo=one_of([e for f in project.families for e in project.embryos(f)]),
    chrom=one_of(chromosomes),
    unit=one_of(sorted({u.unit for units in project.units.values() for u in units})),
