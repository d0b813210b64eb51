"""From scores to risks within one family: by ancestry, by family, by parents' health.

Shapes: E embryos, D joint posterior samples, K traits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morula.disease_risk import (
    Curve,
    ParentHealth,
    Rest,
    after_parents,
    lifetime_risk,
    unknown_parents,
)
from morula.diseases import Disease, Settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RiskModel:
    """How a z becomes a risk, for one sample and disease.

    The liability that z explains is `across * centre + within * (z - centre)`.
    liability_r2: of people like the sample; remark: for the reader, empty if none.
    """

    curve: Curve
    rest: Rest
    across: float
    within: float
    centre: float
    liability_r2: float
    sex: str
    remark: str

    def risk(self, z: ArrayLike) -> Floats:
        """Lifetime risk at z, of any shape."""
        away = np.asarray(z, dtype=np.float64) - self.centre
        return lifetime_risk(
            self.across * self.centre + self.within * away, self.curve, self.rest
        )


@dataclass(frozen=True)
class Relatives:
    """What the family tells of an embryo's liability, for one disease.

    centre: z that its siblings have on average (None: not known); parents: z of each
    on the embryo's scale, by name; health: whether each is ill, where it is known.
    """

    centre: float | None
    parents: Mapping[str, float]
    health: Mapping[str, bool]


NOBODY = Relatives(None, {}, {})


def risk_model(
    disease: Disease, curve: Curve, relative_r2: float | None, relatives: Relatives
) -> RiskModel:
    """The model of one sample; relative_r2: how much of R2 is left so far from the
    training population (None: cannot be told, R2 is taken as it is).

    METHOD: between families the score acts by its effect among unrelated people, within
    a family by that between siblings (`within_family_r2`), which lacks what parents'
    homes and ancestry add (Howe et al. 2022, doi:10.1038/s41588-022-01062-7). What the
    score leaves of the liability is the same for both.
    """
    left = 1.0 if relative_r2 is None else relative_r2
    r2 = disease.liability_r2 * left
    within_r2 = disease.within_family_r2
    across = float(np.sqrt(r2))
    within = across if within_r2 is None else float(np.sqrt(within_r2 * left))
    if relatives.centre is None:
        within = across
    known = [
        ParentHealth(across * relatives.parents[name], is_ill)
        for name, is_ill in relatives.health.items()
        if name in relatives.parents
    ]
    rest = unknown_parents(r2)
    if known and disease.heritability is not None:
        rest = after_parents(r2, disease.heritability, curve.lifetime, known)
    remark = ""
    if relative_r2 is None:
        remark = (
            "R2 is that of the training population: the panel cannot tell how far"
            f" this sample is from {disease.training_population}"
        )
    return RiskModel(
        curve, rest, across, within, relatives.centre or 0.0, r2, disease.sex, remark
    )


def risk_samples(
    models: Mapping[tuple[str, str], RiskModel],
    embryos: Sequence[str],
    traits: Sequence[str],
    z: Floats,
) -> Floats:
    """Risks (E, D, K) of the joint posterior samples z (E, D, K); NaN without model."""
    risks = np.full(z.shape, np.nan)
    for e, embryo in enumerate(embryos):
        for k, trait in enumerate(traits):
            if model := models.get((embryo, trait)):
                risks[e, :, k] = model.risk(z[e, :, k])
    return risks


@dataclass(frozen=True)
class Kin:
    """A family as far as risks need it.

    parents: names; embryos: names; passed: those that did not fail; z: by sample and
    trait, with NaN where there is none; parents_z: of the parents on the embryos'
    scale, by parent and trait; family_mean: mean z of siblings, by embryo and trait.
    """

    parents: Sequence[str]
    embryos: Sequence[str]
    passed: Sequence[str]
    z: Mapping[tuple[str, str], float]
    parents_z: Mapping[tuple[str, str], float]
    family_mean: Mapping[tuple[str, str], float]

    def relatives(
        self, embryo: str, trait: str, health: Mapping[str, Mapping[str, bool]]
    ) -> Relatives:
        """What is known beside the embryo's own score.

        METHOD: with both parents, siblings' mean is theirs; else it is that of the
        embryos that did not fail.
        """
        centre = self.family_mean.get((embryo, trait))
        if centre is None:
            own = np.array([self.z[name, trait] for name in self.passed])
            own = own[np.isfinite(own)]
            centre = float(own.mean()) if len(own) else None
        parents = {
            name: self.parents_z[name, trait]
            for name in self.parents
            if np.isfinite(self.parents_z[name, trait])
        }
        said = {
            name: health[name][trait]
            for name in self.parents
            if trait in health.get(name, {})
        }
        return Relatives(centre, parents, said)


def family_models(
    settings: Settings,
    kin: Kin,
    relative_r2: Mapping[tuple[str, str], float | None],
) -> dict[tuple[str, str], RiskModel]:
    """The model of every sample and disease; relative_r2: of them, see `risk_model`.

    Raises InputError where a table of rates cannot be used.
    """
    models = {}
    for trait, disease in settings.diseases.items():
        curve = disease.curve()
        for name in (*kin.parents, *kin.embryos):
            relatives = NOBODY
            if name in kin.embryos:
                relatives = kin.relatives(name, trait, settings.health)
            left = relative_r2[name, trait]
            models[name, trait] = risk_model(disease, curve, left, relatives)
    return models
