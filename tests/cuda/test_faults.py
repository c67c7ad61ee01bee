"""That the device of these tests can refuse anything."""

WAITS = {"item", "if", "nonzero", "to the host", "numbers from the host", "not pinned", "waited for", "solved"}
MIXES = {"on the host", "index on the host"}


def test_a_planted_wait_or_tensor_of_the_host_is_told_and_a_queued_copy_is_not(done):
    found = done("planted")
    assert {name for name, told in found.items() if told == "SynchronisationError"} == WAITS
    assert {name for name, told in found.items() if told == "MixedDevicesError"} == MIXES
    assert found["none"] == ""
