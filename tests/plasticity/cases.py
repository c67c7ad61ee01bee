"""The table of all rules and contrasts: a new one enters every common test by one row here."""

from apical.plasticity import (
    LPL,
    SAL,
    SCFF,
    Backprop,
    BarlowTwins,
    Blockwise,
    BPClappPP,
    BPClassifier,
    BPForwardForward,
    BPInfoNCE,
    BPPhyLL,
    BurstDependent,
    Clapp,
    ClappPP,
    ClappS,
    DendriticPrediction,
    DirectFeedbackAlignment,
    FeedbackAlignment,
    ForwardForward,
    GreedyInfoMax,
    Hinge,
    Linear,
    LogisticDifference,
    PhyLL,
    SimCLR,
    SoftHebb,
    Softplus,
    VICReg,
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
SEPARABLE = [name for name, contrast in CONTRASTS.items() if contrast.separable]
LOCAL_RULES |= {f"clapp {contrast} random either": Clapp(contrast=CONTRASTS[contrast]) for contrast in SEPARABLE}
LOCAL_RULES |= {
    f"clapp-s {contrast} others {n}": ClappS(contrast=CONTRASTS[contrast], others=n)
    for contrast in SEPARABLE
    for n in (1, 16)
}
LOCAL_RULES |= {f"gim others {n}": GreedyInfoMax(others=n) for n in (1, 16)}
LOCAL_RULES |= {
    f"lpl {past}{' stale' * stale}": LPL(past=past, stale=stale) for past in ("both", "stop") for stale in (False, True)
}
LOCAL_RULES["lpl other numbers"] = LPL(predictive=0.3, hebbian=2.0, decorrelation=0.7, floor=0.1)
LOCAL_RULES |= {
    "forward-forward": ForwardForward(peer=0.0),
    "forward-forward hybrids": ForwardForward(presentation="hybrids", threshold=0.3, peer=0.0),
    "forward-forward peers": ForwardForward(peer=0.5),
    "phyll": PhyLL(),
    "phyll hybrids": PhyLL(presentation="hybrids", theta=1.5, seed=2),
    "scff": SCFF(),
    "scff other numbers": SCFF(
        threshold_positive=(0.2, 0.4), threshold_negative=0.1, penalty=0.3, rebuild=(True, False)
    ),
}
for _name, _kind in (("dendritic-prediction", DendriticPrediction), ("burst-dependent", BurstDependent)):
    LOCAL_RULES |= {
        f"{_name} {context} {contrast} next both": _kind(context=context, contrast=CONTRASTS[contrast])
        for context in ("lateral", "dfb", "both")
        for contrast in ("hinge", "softplus", "logistic")
    }
LOCAL_RULES |= {
    "dendritic-prediction random either": DendriticPrediction(negatives="random", phases="either", threshold=5.0),
    "burst-dependent random either": BurstDependent(negatives="random", phases="either", slope=0.5, memory=0.0),
}
# rules without an objective: what they do is tested in files of their own
WITHOUT_OBJECTIVE = {
    "softhebb": SoftHebb(),
    "softhebb soft": SoftHebb(inverse_temperature=(2.0, 0.5), anti=False),
}

END_TO_END_RULES = {
    "bp-clapp++": BPClappPP(),
    "bp-clapp++ softplus": BPClappPP(contrast=Softplus(), negatives="random"),
    "bp-infonce": BPInfoNCE(),
    "bp-classifier": BPClassifier(),
    "bp-forward-forward": BPForwardForward(threshold=0.5),
    "bp-phyll": BPPhyLL(theta=2.0),
    "hinge-cpc": Backprop(Clapp()),
    "bp-gim": Backprop(GreedyInfoMax(others=4)),
    "bp-lpl": Backprop(LPL()),
    "bp-lpl stop": Backprop(LPL(past="stop")),
}

# supervised rules whose error comes down through fixed matrices: what they do is tested in files of their own
FEEDBACK_RULES = {
    "dfa": DirectFeedbackAlignment(),
    "fa": FeedbackAlignment(),
    "sal": SAL(),
    "sal frozen routing": SAL(routing_rate=0.0),
}

# one objective per block, or one at the last: what they do is tested in files of their own
BLOCK_RULES = {
    "blockwise-barlow": Blockwise(),
    "blockwise-barlow sequential": Blockwise(order="sequential", spread="map", expansion="local"),
    "blockwise-simclr": Blockwise(objective=SimCLR(temperature=0.1)),
    "blockwise-vicreg": Blockwise(objective=VICReg(variance=10.0), expansion="global"),
    "bp-barlow": Blockwise(objective=BarlowTwins(redundancy=0.01), end_to_end=True),
    "bp-simclr": Blockwise(objective=SimCLR(), end_to_end=True, noise=0.0),
    "bp-vicreg": Blockwise(objective=VICReg(), end_to_end=True, projector=(64, 64)),
}
