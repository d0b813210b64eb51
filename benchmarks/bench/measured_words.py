"""What each measure means, in words."""

from __future__ import annotations

from bench.tables_md import table

MEASURES = {
    "genotype_accuracy": "Genotypes (site and embryo) whose most probable genotype is"
    " right; one that is not called counts as wrong.",
    "called_share, called_accuracy, filled_accuracy": "Genotypes that the method calls;"
    " those right of them; those right when the rest is filled in from the panel's"
    " frequencies.",
    "dosage_r2": "Squared correlation of true and expected copies of the panel's minor"
    " allele, over sites and embryos at once.",
    "nonref_concordance": "Of the genotypes in which the truth or the call has ALT,"
    " those that are equal.",
    "best_gp_*, each_gp_*": "Reliability: mean probability claimed and share right, in"
    " bins (after the colon of the stratum) of the highest of the three probabilities,"
    " or of each of them. Called genotypes only.",
    "ece": "Expected calibration error: mean over called genotypes of the gap between"
    " share right and mean claimed probability of their bin (highest probability);"
    " the bins of all couples taken together, interval by a jackknife over couples.",
    "gp90_*, gp99_*": "Genotypes called with a probability of at least 0.9 or 0.99:"
    " their share of all, and those right of them.",
    "phase_flip_rate": "Parents' hets whose orientation differs from that of both"
    " neighbours, which agree.",
    "phase_long_switch_rate": "Changes of orientation between neighbours among the"
    " hets that are not flips; n: intervals.",
    "phase_switch_error_rate": "All changes of orientation between neighbouring hets;"
    " n: intervals.",
    "phased_allele_*": "Maternal (paternal) allele of an embryo where the mother"
    " (father) is het: given at all, and right where given.",
    "crossover_recall_*, crossover_precision_*": "True crossovers with a found one"
    " within that distance, and the reverse; pairs are one to one. A found one is a"
    " change of the true haplotype carried, both sides being called with at least 0.9."
    " Stretches inside a chromosome shorter than 250 kb are no pair of crossovers.",
    "crossover_error_bp": "Median distance of the pairs within 500 kb.",
    "*_true, *_estimated, *_bias, *_rmse": "Dropout: share of the sites with any"
    " template that kept one allele; error: share of wrong bases among those counted;"
    " contamination: share of foreign reads.",
    "pgs_rmse_sibling_sd": "Root mean squared error of a score, in standard deviations"
    " among the couple's children; within family: without what all its embryos share.",
    "pgs_spearman": "Rank correlation of the embryos within the family, mean over"
    " scores; 0 where a method gives all the same.",
    "pgs_best_chosen": "How often the embryo with the highest estimated score has the"
    " highest true one; ties are drawn by lot.",
    "pgs_gain, pgs_gain_possible, pgs_gain_lost_share": "True score of the chosen, and"
    " of the best, above the embryos' mean (sibling SD); what is lost of it.",
    "pgs_coverage_95": "True scores within the middle 95 % of the method's joint"
    " draws.",
    "qc_*": "Embryos with that verdict; *_first: of E1 alone, which is the odd one in"
    " the scenarios that have one.",
}
STRATA = {
    "all": "every site of the panel",
    "parent_het": "a parent is truly heterozygous",
    "snvs": "sites that are SNVs",
    "*_maf_*": "of those, by the minor allele's frequency in the panel",
}


def definitions() -> str:
    """Tables of the measures and of the groups of sites."""
    measures = table(["measure", "meaning"], [list(one) for one in MEASURES.items()])
    strata = table(["stratum", "sites"], [list(one) for one in STRATA.items()])
    return f"{measures}\n\n{strata}"
