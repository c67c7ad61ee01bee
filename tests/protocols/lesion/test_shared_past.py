"""What is lived once for several conditions."""

from apical.protocols.lesion import protocol as spec
from apical.protocols.lesion.run import lesion
from apical.protocols.lesion.shared_past import key, shared


def test_common_beginnings_are_found():
    conditions = spec.load("apical_block").conditions
    sham, training_only, test_only, both = conditions[:4]
    found = shared(conditions)
    assert key(sham, 1) in found
    assert key(test_only, 2) == key(sham, 2)
    assert key(sham, 2) in found
    assert key(training_only, 3) == key(both, 3)
    assert key(both, 3) in found
    assert key(sham, 3) not in found


def test_a_condition_is_the_same_alone_and_in_company(dfb, tmp_path):
    text = (spec.SPECS / "apical_block.yaml").read_text()
    head, rest = text.split("conditions:")
    body = rest.split("expect:")[0]
    alone = "".join(body.partition("  test_only:")[1:]).split("  both:")[0]
    measures = "measures: [moved, score_same]"
    results = []
    for name, conditions in (("company", body), ("alone", alone)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"{head.split('measures:')[0]}{measures}\nconditions:\n{conditions}")
        results.append(lesion(dfb, str(path), seeds=[0], steps=3, progress=False))
    assert results[0]["conditions"]["test_only"] == results[1]["conditions"]["test_only"]
    assert results[0]["conditions"]["test_only"]["measures"]["moved"]["after"]["mean"] > 0
