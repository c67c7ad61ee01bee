"""The table of all rules and contrasts: a new one enters every common test by one row here."""

from apical.plasticity import (
    BPClappPP,
    BPInfoNCE,
    ClappPP,
    Hinge,
    Linear,
    LogisticDifference,
    Softplus,
)

CONTRASTS = {
    "hinge": Hinge(),
    "hinge margin 3": Hinge(margin=3.0),
    "softplus": Softplus(),
    "softplus sharp": Softplus(margin=0.5, sharpness=4.0),
    "logistic": LogisticDifference(theta=0.7),
    "linear": Linear(),
}

LOCAL_RULES = {
    f"clapp++ {context} {contrast} {negatives} {phases}": ClappPP(
        context=context, contrast=CONTRASTS[contrast], negatives=negatives, phases=phases
    )
    for context in ("lateral", "dfb", "both")
    for contrast in CONTRASTS
    for negatives in ("next", "random")
    for phases in ("both", "either")
    if phases == "both" or CONTRASTS[contrast].separable
}

END_TO_END_RULES = {
    "bp-clapp++": BPClappPP(),
    "bp-clapp++ softplus": BPClappPP(contrast=Softplus(), negatives="random"),
    "bp-infonce": BPInfoNCE(),
}
