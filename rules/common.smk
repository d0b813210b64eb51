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

from morula import diseases, pgs_catalog, settings
from morula.errors import InputError
from morula.project import load as load_project, notices
from morula.sex_chromosome import is_x


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
        for notice in notices(project, completed["samples"]):
            print(f"note: {notice}", file=sys.stderr)
    return completed, project


def from_parents(**files):
    """Input function: `files` of a family's parents by name, or, in a family without
    parents, `panel`; with their indexes. `source_flags` gives them to the script."""

    def inputs(wildcards):
        panel = {"panel": "results/reference/panel/{chrom}.bcf"}
        chosen = files if project.parents(wildcards.family) else panel
        given = dict(wildcards.items())
        places = {
            name: path(wildcards) if callable(path) else path.format(**given)
            for name, path in chosen.items()
        }
        indexes = {f"{name}_index": f"{path}.csi" for name, path in places.items()}
        return places | indexes

    return inputs


def source_flags(*names):
    """Params function: --NAME FILE of those inputs `names`, and `panel`, that are there."""
    return lambda wildcards, input: [
        word
        for name, path in input.items()
        if path and name in (*names, "panel")
        for word in (f"--{name.replace('_', '-')}", path)
    ]


def one_of(names):
    """Wildcard constraint: one of `names`; matches nothing when there are none."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


completed_config, project = or_refuse(load_inputs)
config.clear()
config.update(completed_config)
chromosomes = config["reference"]["chromosomes"]
# One embryo without parents: nobody else tells of its genome.
families_of_one = [
    family for family in project.families if len(project.members(family)) == 1
]
autosomes = [chrom for chrom in chromosomes if not is_x(chrom)]
x_chromosomes = [chrom for chrom in chromosomes if is_x(chrom)]
# A simulation may make these, too; no stage looks at them.
simulated_sex_chromosomes = config.get("simulate", {}).get("sex_chromosomes", [])

# Without this htslib asks a server on the internet for a CRAM's reference sequences
# before it looks for them here.
shell.prefix("export REF_PATH=.; ")


wildcard_constraints:
    family=one_of(project.families),
    sample=one_of(project.samples),
    embryo=one_of([e for f in project.families for e in project.embryos(f)]),
    chrom=one_of([*chromosomes, *simulated_sex_chromosomes]),
    unit=one_of(sorted({u.unit for units in project.units.values() for u in units})),


# reference


def bwa_index_memory_mb(wildcards, input, attempt):
    """bwa index holds about five bytes a base at its peak; doubled at each retry."""
    return int(500 + 6 * input.size_mb) * 2 ** (attempt - 1)


def genetic_map_files(setting):
    """One path pattern (sex-averaged), or the female and the male one."""
    if isinstance(setting, str):
        return [setting]
    return [setting["female"], setting["male"]]


# align


def fastq_files(wildcards):
    """FASTQ files of all units of a sample, mates side by side."""
    units = project.units[wildcards.sample]
    return [path for unit in units for path in (unit.fq1, unit.fq2)]


def fastq_unit_flags(wildcards):
    """--unit NAME FQ1 FQ2 for each unit."""
    units = project.units[wildcards.sample]
    return [word for u in units for word in ("--unit", u.unit, u.fq1, u.fq2)]


def bam_files(wildcards):
    """BAM/CRAM files of all units of a sample."""
    return [unit.bam for unit in project.units[wildcards.sample]]


def bam_unit_flags(wildcards):
    """--unit NAME BAM for each unit."""
    units = project.units[wildcards.sample]
    return [word for u in units for word in ("--unit", u.unit, u.bam)]


def index_name(wildcards, input):
    """What the aligner's command line calls its index, from the index's first file."""
    return re.sub(r"\.(amb|0123)$", "", input.index[0])


def align_memory_mb(wildcards, input, attempt):
    """The index (loaded whole), sort's buffer, and room for the batches in work."""
    index_mb = sum(Path(path).stat().st_size for path in input.index) / 2**20
    room = 2500 + config["align"]["sort_memory_mb"]
    return int(room + 1.2 * index_mb) * 2 ** (attempt - 1)


# call


def males(samples):
    """Those of `samples` that are male."""
    return [name for name in samples if project.samples[name].sex == "male"]


def genotyped(family):
    """Parents, then born children, in the order of the family's calls."""
    called = project.called(family)
    return [
        name
        for name in project.members(family)
        if name in called or name in project.parents(family)
    ]


def array_flag(sample):
    """--array for an embryo or a born child that has an array."""
    return "--array" if project.is_array(sample) else ""


def genotype_parts(wildcards):
    """The BCF of those called from reads, and one for each parent that has a VCF."""
    parts = [
        f"results/call/imported/{name}.bcf"
        for name in project.parents(wildcards.family)
        if project.kind(name) == "vcf"
    ]
    if project.called(wildcards.family):
        parts.insert(0, f"results/call/reads/{wildcards.family}.{wildcards.chrom}.bcf")
    return parts


# phase


def genotypes_of_parents(wildcards):
    """Calls of a family, those of parents with few reads refined; on X, and of parents
    that come as VCF, as they are."""
    parents = project.parents(wildcards.family)
    has_calls = any(project.kind(name) != "vcf" for name in parents)
    if not has_calls or wildcards.chrom in x_chromosomes:
        return f"results/call/{wildcards.family}.{wildcards.chrom}.bcf"
    return f"results/phase/genotypes/{wildcards.family}.{wildcards.chrom}.bcf"


def genotypes_index(wildcards):
    return f"{genotypes_of_parents(wildcards)}.csi"


def parents_with_reads(wildcards):
    """Parents whose own reads link their hets."""
    return [
        name
        for name in project.parents(wildcards.family)
        if has_reads and project.kind(name) != "vcf"
    ]


def linked_hets(wildcards):
    """The BCF of link_reads, where a parent has reads."""
    if not parents_with_reads(wildcards):
        return []
    return [f"results/phase/links/{wildcards.family}.{wildcards.chrom}.bcf"]


def phase_memory_mb(wildcards, input, threads, attempt):
    """The panel's haplotypes in each run of SHAPEIT4, or Beagle's heap, and the
    phasings; doubled at each retry."""
    panel_mb = Path(input.panel).stat().st_size / 2**20
    programs = max(threads * (300 + 20 * panel_mb), 3000)
    return int(2500 + programs) * 2 ** (attempt - 1)


# correct


def family_of(embryo):
    return project.samples[embryo].family


def parent_flags(wildcards):
    """--mother and --father for the parents that the sheet has."""
    parents = {
        "--mother": project.mother(wildcards.family),
        "--father": project.father(wildcards.family),
    }
    return " ".join(f"{flag} {name}" for flag, name in parents.items() if name)


def preset_of(embryo):
    """The preset: as the sheet says; without a word, children have ordinary DNA."""
    sample = project.samples[embryo]
    if sample.role == "child":
        return sample.amplification or "none"
    return sample.amplification or "other"


def ordinary_flags(wildcards):
    """--ordinary with the family's members whose DNA is not amplified."""
    names = [
        name for name in project.embryos(wildcards.family) if preset_of(name) == "none"
    ]
    return f"--ordinary {' '.join(names)}" if names else ""


def father_flag(wildcards):
    """--father, if the sheet has one."""
    father = project.father(wildcards.family)
    return f"--father {father}" if father else ""


def donor_panel(wildcards):
    """The panel's haplotypes, where a parent is absent: a donor's are copied from them,
    and both parents' of siblings; not on X, of which a father has one. One embryo
    without parents is imputed by itself."""
    has_both = len(project.parents(wildcards.family)) == 2
    is_one = wildcards.family in families_of_one
    if has_both or is_one or wildcards.chrom in x_chromosomes:
        return []
    return [f"results/reference/panel/{wildcards.chrom}.bits.npz"]


def sex_files(wildcards):
    """What X tells of each embryo's sex, where X is analysed; for a rule of a
    chromosome where that is X."""
    if not is_x(getattr(wildcards, "chrom", "".join(x_chromosomes[:1]))):
        return []
    return [
        f"results/correct/embryos/{embryo}.sex.json"
        for embryo in project.embryos(wildcards.family)
    ]


def sex_flags(wildcards, input):
    """--sexes with the files of sex_files, if there are any."""
    return f"--sexes {' '.join(input.sexes)}" if input.sexes else ""


def cells_flag(wildcards):
    cells = project.samples[wildcards.embryo].cells
    return f"--cells {cells}" if cells else ""


def qc_flags(wildcards):
    """The thresholds of correct.qc as flags."""
    return " ".join(
        f"--{key.replace('_', '-')} {value}"
        for key, value in config["correct"]["qc"].items()
    )


# impute


def overrides_of_family(wildcards):
    """Tables of contradictions, a chromosome each; none in a family without parents,
    where nothing says what was inherited."""
    return [
        f"results/correct/families/{wildcards.family}.{chrom}.overrides.tsv"
        for chrom in chromosomes
        if project.parents(wildcards.family)
    ]


def overrides_of_chromosome(wildcards):
    """The one of a chromosome, if there is one."""
    name = (
        f"results/correct/families/{wildcards.family}.{wildcards.chrom}.overrides.tsv"
    )
    return [path for path in overrides_of_family(wildcards) if path == name]


def confirmed_of_chromosome(wildcards):
    """What the rule with the table of contradictions says of the parents' calls."""
    return [
        path.replace(".overrides.tsv", ".confirmed.npz")
        for path in overrides_of_chromosome(wildcards)
    ]


# ancestry


def member_roles(wildcards):
    """Roles of a family's samples, in the order of project.members."""
    return [project.samples[name].role for name in project.members(wildcards.family)]


# score


def scoring_files():
    """The traits' scoring files; those that have an id only are in the cache."""
    build = config["reference"]["build"]
    return [
        (
            str(pgs_catalog.cached_path(trait.scoring_file, build))
            if pgs_catalog.is_id(trait.scoring_file)
            else trait.scoring_file
        )
        for trait in project.traits
    ]


# What each disease costs, nan where it is not given; quantitative traits have none.
daly_weights = [
    "nan" if trait.daly_weight is None else trait.daly_weight
    for trait in project.traits
]
rate_tables = sorted(
    {path for t in project.traits for path in (t.incidence, t.mortality) if path}
)


def disease_settings(wildcards):
    """The traits that have a risk, and the health of the family's parents, as JSON."""
    parents = project.parents(wildcards.family)
    health = {name: project.health.get(name, {}) for name in parents}
    return diseases.as_json(project.traits, health)


# report and evaluation: a simulation that makes counts has no alignments


def parents_files(wildcards):
    """Files whose headers tell what called, phased and imputed a family's parents."""
    return [
        f"results/{stage}/{wildcards.family}.{chromosomes[0]}.bcf"
        for stage in ("call", "phase", "impute/parents")
        if project.parents(wildcards.family)
    ]


def alignments_of(wildcards):
    """The CRAMs of a family's members."""
    return [
        f"results/align/{name}.cram"
        for name in project.members(wildcards.family)
        if has_reads and project.kind(name) != "vcf"
    ]


def single_sample_calls(wildcards):
    """Calls of a caller that sees one embryo's reads alone."""
    return [
        f"results/simulate/single_sample/{embryo}.{chrom}.bcf"
        for embryo in project.embryos(wildcards.family)
        for chrom in autosomes
        if has_reads
    ]
