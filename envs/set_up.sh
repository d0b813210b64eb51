#!/usr/bin/env bash
# Sees to all that Morula needs, and says what it does: .venv with the Python parts that
# pyproject.toml names, and the tools. A second call finds the stamp and does nothing.
#   envs/set_up.sh [--bench | --test]   what `make bench` or `make test` needs besides
set -euo pipefail
shopt -s extglob
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8 PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME

# Each has all that the one before has.
levels=(demo bench test)
extras=${1:---demo}
extras=${extras#--}
stamp=.venv/set-up.stamp   # written last: a set-up that was killed has none
log=logs/set_up.log
# Without the virtual environment that is to be made.
outside_path=${PATH//"$PWD/.venv/bin:"/}
export PATH="$PWD/.venv/bin:$PWD/.conda/tools/bin:$PWD/.conda/base/bin:$PATH"

tools=(bwa samtools bcftools tabix bgzip fastp mosdepth shapeit4 beagle minimap2)
[ "$extras" != test ] || tools+=(plink2)

say() { echo "setup: $*"; }

# Run a step with its output in the log; show the end of the log if it fails.
logged() {
    echo "+ $*" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null && return
    say "this failed: $*" >&2
    tail -n 25 "$log" | sed 's/^/    /' >&2
    say "the whole log: $log" >&2
    return 1
}

# A tool counts only if it runs: Debian's mosdepth starts without libhts-dev, but then
# does not find the library; another program may have the same name.
works() {
    case $1 in
        bwa) [[ $(bwa 2>&1) == *Version* ]] ;;
        bcftools) bcftools +fill-tags --version ;;
        beagle) [[ $(beagle 2>&1) == *"version 5"* ]] ;;
        shapeit4) shapeit4 --help ;;
        *) "$1" --version ;;
    esac >/dev/null 2>&1
}

broken_tools() {
    local tool
    for tool in "${tools[@]}"; do works "$tool" || echo "$tool"; done
}

# Debian's packages for the tools named.
packages_of() {
    local tool
    for tool in "$@"; do
        case $tool in
            tabix | bgzip) echo tabix ;;
            mosdepth) echo mosdepth libhts-dev ;;
            beagle) echo beagle default-jre-headless ;;
            *) echo "$tool" ;;
        esac
    done | sort -u | tr '\n' ' '
}

conda_packages_of() { printf '%s\n' "${@/#@(tabix|bgzip)/htslib}" | sort -u | tr '\n' ' '; }

is_root() { [ "$(id -u)" = 0 ]; }
apt_at_hand() {
    command -v apt-get >/dev/null && { is_root || sudo -n true 2>/dev/null; }
}

as_root() { if is_root; then "$@"; else sudo -n "$@"; fi; }

apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive TZ=Etc/UTC apt-get -q
        -o DPkg::Lock::Timeout=300)
    say "apt-get install $* (log: $log)"
    # What a killed apt-get left half done.
    logged as_root dpkg --configure -a || return 1
    logged as_root "${apt[@]}" update || return 1
    logged as_root "${apt[@]}" install --yes --no-install-recommends "$@"
}

conda_command() {
    local name
    for name in conda mamba micromamba; do
        if command -v $name >/dev/null; then
            echo $name
            return
        fi
    done
    return 1
}

conda_install() {  # PREFIX SPEC...
    local prefix=$1
    shift
    say "$(conda_command) create $prefix: $* (log: $log)"
    logged "$(conda_command)" create --yes --prefix "$PWD/$prefix" \
        --override-channels --channel conda-forge --channel bioconda "$@"
}

key() {
    { pwd && cat pyproject.toml envs/set_up.sh; } | sha256sum | cut -d' ' -f1
}

is_done() {
    [ -f $stamp ] || return 1
    local stamp_key stamp_extras stamp_tools
    read -r stamp_key stamp_extras stamp_tools <$stamp
    [ "$stamp_key" = "$(key)" ] || return 1
    local after=" ${levels[*]} "
    after=" $extras ${after#* "$extras" }"
    [[ $after == *" $stamp_extras "* ]] || return 1
    .venv/bin/python -c '' 2>/dev/null || return 1
    if [ "$stamp_tools" = conda ]; then
        command -v conda >/dev/null
    else
        [ -z "$(broken_tools)" ]
    fi
}

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        name=$(PATH=$outside_path command -v "$name") || continue
        # In somebody's active virtual environment: the Python that it was made from.
        name=$("$name" -c 'import sys; print(sys._base_executable)' 2>/dev/null) || continue
        if "$name" -c 'import sys, venv, ensurepip
sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

# Sets `python`: one that can make the virtual environment.
see_to_python() {
    python=$(find_python) && return
    if apt_at_hand; then
        apt_install python3 python3-venv && python=$(find_python) && return
    fi
    if conda_command >/dev/null; then
        rm -rf .conda/python
        conda_install .conda/python "python >=3.11,<3.14" pip || exit 1
        python=.conda/python/bin/python
        return
    fi
    cat >&2 <<'EOF'
error: no Python of version 3.11 or newer with its venv module was found.
Any one of these helps; then repeat the command:
  - Debian 12, Ubuntu 24.04 or newer, as root:  apt-get install python3 python3-venv
  - another Python 3.11 or newer:               PYTHON=/path/to/python3 make ...
  - without root: install Miniforge (conda) in your home folder
EOF
    exit 1
}

make_venv() {  # PYTHON
    rm -f $stamp
    if [ "$(cat .venv/whole 2>/dev/null)" != "$PWD" ] || ! .venv/bin/python -c ''; then
        # Half a folder, one that was moved (its commands know their place), or one that
        # something else made.
        rm -rf .venv
        say "virtual environment .venv, with $("$1" --version)"
        logged "$1" -m venv .venv || exit 1
    fi
    local what=.
    [ "$extras" = demo ] || what=".[$extras]"
    say "Python parts of pyproject.toml, one to three minutes (log: $log)"
    rm -f .venv/whole
    logged .venv/bin/python -m pip install --prefer-binary --editable "$what" || exit 1
    pwd >.venv/whole
}

# One message: which tools, and how to get them.
refuse() {
    local tool absent=()
    exec >&2
    echo "error: tools that Morula runs are missing or do not work"
    for tool in "$@"; do
        if command -v "$tool" >/dev/null; then
            echo "  $(command -v "$tool") does not run as it should:" \
                "$("$tool" --version 2>&1 | head -n 1)"
        else
            absent+=("$tool")
        fi
    done
    [ ${#absent[@]} = 0 ] || echo "  not on the PATH: ${absent[*]}"
    cat <<EOF
Any one of these helps; then repeat the command:
  - Debian or Ubuntu, as root:
      apt-get install --no-install-recommends $(packages_of "$@")
  - without root: install Miniforge (conda) in your home folder and see that \`conda\` is
    on the PATH; Snakemake then fetches the tools by itself
  - have them on the PATH (your cluster's modules, your administrator)
EOF
    exit 1
}

# Sets `route`: path (the tools are on the PATH) or conda (Snakemake fetches them).
see_to_tools() {
    local missing
    route=path
    mapfile -t missing < <(broken_tools)
    [ ${#missing[@]} -gt 0 ] || return 0
    if apt_at_hand; then
        say "missing or not working: ${missing[*]}"
        # shellcheck disable=SC2046  # one word a package
        apt_install $(packages_of "${missing[@]}") || true
        mapfile -t missing < <(broken_tools)
        [ ${#missing[@]} -gt 0 ] || return 0
        say "apt-get could not help with: ${missing[*]}"
    fi
    if conda_command >/dev/null; then
        see_to_conda
    else
        refuse "${missing[@]}"
    fi
}

see_to_conda() {
    local missing
    if [ "$extras" != demo ]; then
        # Tests and benchmarks call the tools themselves: these must be on the PATH.
        rm -rf .conda/tools
        # shellcheck disable=SC2046  # one word a package
        conda_install .conda/tools $(conda_packages_of "${tools[@]}") || exit 1
        mapfile -t missing < <(broken_tools)
        [ ${#missing[@]} = 0 ] || refuse "${missing[@]}"
        return
    fi
    # Snakemake calls `conda` by this name.
    if ! command -v conda >/dev/null; then
        rm -rf .conda/base
        conda_install .conda/base conda || exit 1
    fi
    say "Snakemake will fetch the tools by conda (envs/*.yaml) when it runs"
    route=conda
}

versions() {
    local tool
    for tool in samtools bcftools fastp mosdepth minimap2; do
        printf '%s %s, ' "$tool" "$("$tool" --version 2>&1 | awk 'NR == 1 {print $NF}')"
    done
    bwa 2>&1 | awk '/^Version/ {print "bwa", $2}'
}

if is_done; then exit 0; fi
mkdir -p logs
if command -v flock >/dev/null; then
    exec 9>logs/set_up.lock
    flock --nonblock 9 || { say "waiting for another set-up of this folder"; flock 9; }
    if is_done; then exit 0; fi
fi
: >"$log"
SECONDS=0
# What may be missing first: better told at once than after minutes of installing.
see_to_python
see_to_tools
make_venv "$python"
if [ $route = conda ]; then
    echo "--software-deployment-method conda"
fi >.venv/snakemake-flags
echo "$(key) $extras $route" >$stamp.part
mv $stamp.part $stamp
[ $route = conda ] || say "tools on the PATH: $(versions)"
say "done in $SECONDS s"
